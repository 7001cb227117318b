namespace Cortex.Cli.Tests.Guide;

/// <summary>The pages for contributors name every project there is, each with the words that say what it is for.</summary>
public sealed class ProjectListTests
{
    private static readonly string[] _sources = Names("src");

    private static readonly string[] _tests = [.. Names("test").Where(name => name.EndsWith(".Tests", StringComparison.Ordinal))];

    [Fact]
    public void Layout_OfContributing_NamesEveryProject()
    {
        var named = from line in GuidePages.Read("CONTRIBUTING.md").Split('\n')
                    where line.StartsWith("src/", StringComparison.Ordinal)
                    select line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[0]["src/".Length..];

        Assert.Equal(_sources, named.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Parts_OfArchitecture_AreEveryProject() => Assert.Equal(_sources, FirstColumn("docs/design/architecture.md", "Cortex"));

    [Fact]
    public void Table_OfTesting_IsEveryTestProject() => Assert.Equal(_tests, FirstColumn("docs/contributing/testing.md", "Cortex."));

    [Fact]
    public void Solution_HasEveryProject()
    {
        var solution = GuidePages.Read("Cortex.slnx");

        Assert.All(_sources, name => Assert.Contains($"\"src/{name}/{name}.csproj\"", solution, StringComparison.Ordinal));
        Assert.All(Names("test"), name => Assert.Contains($"\"test/{name}/{name}.csproj\"", solution, StringComparison.Ordinal));
    }

    private static string[] Names(string folder) =>
    [
        .. from path in Directory.GetDirectories(Path.Combine(Repository.Root, folder))
           let name = Path.GetFileName(path)
           where File.Exists(Path.Combine(path, name + ".csproj"))
           orderby name
           select name,
    ];

    private static IEnumerable<string> FirstColumn(string page, string begin) =>
        from line in GuidePages.Read(page).Split('\n')
        where line.StartsWith($"| `{begin}", StringComparison.Ordinal)
        let name = line.Split('`')[1]
        orderby name
        select name;
}
