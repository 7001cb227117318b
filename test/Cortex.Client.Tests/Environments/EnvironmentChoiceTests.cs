using Cortex.Client.Environments;
using Cortex.Core.Errors;

namespace Cortex.Client.Tests.Environments;

/// <summary>Which operator a program talks to, by its files and variables.</summary>
public sealed class EnvironmentChoiceTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("cortex-client-").FullName;
    private readonly Dictionary<string, string> _variables = [];

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private Surroundings Here => new(name => _variables.GetValueOrDefault(name), Path.Combine(_root, "home"), _root) { ContainerDirectory = Path.Combine(_root, "container") };

    [Fact]
    public void Locate_TildeAndRelativePaths_AreMadeAbsolute()
    {
        _variables["CORTEX_CLI_CONFIG_DIR"] = "~/c";
        Assert.Equal(Path.Combine(_root, "home", "c"), ConfigDirectory.Locate(Here));
        _variables["CORTEX_CLI_CONFIG_DIR"] = "c";
        Assert.Equal(Path.Combine(_root, "c"), ConfigDirectory.Locate(Here));
        _variables["CORTEX_CLI_CONFIG_DIR"] = "";
        Assert.Equal(Path.Combine(_root, "home", ".cortex"), ConfigDirectory.Locate(Here));
    }

    [Fact]
    public void Choose_FileOfAContainer_IsTheLastResort()
    {
        Write("container", "inside");
        Assert.Equal("http://inside.test", EnvironmentChoice.Choose(Here).OperatorEndpoint);

        Write("home/.cortex", "mine");
        Assert.Equal("http://mine.test", EnvironmentChoice.Choose(Here).OperatorEndpoint);

        Write("named", "named");
        _variables["CORTEX_CLI_CONFIG_DIR"] = "named";
        Assert.Equal("http://named.test", EnvironmentChoice.Choose(Here).OperatorEndpoint);
    }

    [Fact]
    public void Choose_NameBeforeVariablesBeforeDefault()
    {
        Write("home/.cortex", "one", "two");
        Assert.Equal("one", EnvironmentChoice.Choose(Here).Name);

        _variables["CORTEX_OPERATOR_ENDPOINT"] = "localhost:9";
        _variables["CORTEX_TOKEN"] = "secret\n";
        Assert.Equal(("http://localhost:9", "secret"), (EnvironmentChoice.Choose(Here).OperatorEndpoint, EnvironmentChoice.Choose(Here).Token));
        Assert.Equal(("two", "secret"), (EnvironmentChoice.Choose(Here, "two").Name, EnvironmentChoice.Choose(Here, "two").Token));
        Assert.Equal(["CORTEX_OPERATOR_ENDPOINT"], EnvironmentChoice.All(Here).Select(each => each.Name));
    }

    [Fact]
    public void Choose_Nothing_SaysHowToGetOne()
    {
        Assert.Equal("cli.no_available_environment", Assert.Throws<CortexException>(() => EnvironmentChoice.Choose(Here)).Kind);
        Assert.Equal("cli.environment_not_found", Assert.Throws<CortexException>(() => EnvironmentChoice.Choose(Here, "one")).Kind);
    }

    [Fact]
    public void ToString_HasNoToken() =>
        Assert.Equal("prod (http://x.test)", new CortexEnvironment { Name = "prod", OperatorEndpoint = "http://x.test", Token = "secret" }.ToString());

    // The first is the default.
    private void Write(string folder, params string[] names) => new CliConfigStore(Path.Combine(_root, folder)).Save(new CliConfig
    {
        DefaultEnvironment = names[0],
        Environments = [.. names.Select(name => new CortexEnvironment { Name = name, OperatorEndpoint = $"http://{name}.test" })],
    });
}
