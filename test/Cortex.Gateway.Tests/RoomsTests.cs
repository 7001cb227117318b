using System.Text.RegularExpressions;

namespace Cortex.Gateway.Tests;

/// <summary>The gateway's namespaces refer to each other one way only, so that each can be read and changed without those above it.</summary>
/// <remarks>
/// A room is a folder with its namespace. It sees another room by a <c>using</c> or by a full name. What stands in the root every room
/// sees without one, so that each file of the root counts as a room of its own and is found by the names of its types.
/// </remarks>
public sealed partial class RoomsTests
{
    private const string Root = "Cortex.Gateway";

    [Fact]
    public void Rooms_InTheGatewaysSources_ReferOneWay() =>
        Assert.Null(Circle(References(Sources(Path.Combine(Repository.Root, "src", Root)))));

    [Fact]
    public void Rooms_InTheTests_AreThoseOfTheSources()
    {
        string[] without = ["Strangers", "Support"];   // whole gateways against bad peers, and helpers
        var rooms = Rooms(Path.Combine(Repository.Root, "src", Root));

        Assert.Empty(Rooms(Path.Combine(Repository.Root, "test", Root + ".Tests")).Except(rooms).Except(without));
    }

    [Fact]
    public void Circle_OfUsings_IsFound() => Assert.Equal("A > B > C > A", Circle(References(
        [
            new("A/One.cs", "using Cortex.Gateway.B;\nnamespace Cortex.Gateway.A;\nclass One;"),
            new("B/Two.cs", "using static Cortex.Gateway.C.Three;\nnamespace Cortex.Gateway.B;\nclass Two;"),
            new("C/Three.cs", "namespace Cortex.Gateway.C;\nclass Three { Cortex.Gateway.A.One? one; }"),
        ])));

    [Fact]
    public void Circle_OverAFileOfTheRoot_IsFound() => Assert.Equal("A > Limits.cs > A", Circle(References(
        [
            new("A/One.cs", "namespace Cortex.Gateway.A;\nclass One(Limits limits);"),
            new("Limits.cs", "using Cortex.Gateway.A;\nnamespace Cortex.Gateway;\npublic sealed class Limits { One? One { get; } }"),
        ])));

    [Fact]
    public void Circle_OnlyInComments_IsNone() => Assert.Null(Circle(References(
        [
            new("A/One.cs", "namespace Cortex.Gateway.A;\n/// <see cref=\"Limits\"/>\nclass One;"),
            new("Limits.cs", "using Cortex.Gateway.A;\nnamespace Cortex.Gateway;\npublic sealed class Limits { One? One { get; } }"),
        ])));

    private static IEnumerable<string> Rooms(string folder) =>
        Directory.GetDirectories(folder).Select(static path => Path.GetFileName(path)).Except(["bin", "obj"]);

    private static List<Source> Sources(string folder) =>
    [
        .. Directory.GetFiles(folder, "*.cs", SearchOption.AllDirectories)
            .Select(path => new Source(Path.GetRelativePath(folder, path), File.ReadAllText(path)))
            .Where(static source => Room(source) is not ("bin" or "obj")),
    ];

    /// <summary>The folder right below the root; a file's own name where it stands in the root.</summary>
    private static string Room(Source source) => source.Path.Split(Path.DirectorySeparatorChar, 2)[0];

    /// <summary>What each room refers to.</summary>
    private static SortedDictionary<string, SortedSet<string>> References(IReadOnlyList<Source> sources)
    {
        // A room's name as it stands in a namespace, and each type of the root, with the room that is meant.
        Dictionary<string, string> rooms = sources.Select(Room).Distinct().ToDictionary(static room => room);
        Dictionary<string, string> types = sources.Where(static source => Room(source) == source.Path)
            .SelectMany(source => Types().Matches(source.Text).Select(type => (Name: type.Groups[1].Value, source.Path)))
            .ToDictionary(static type => type.Name, static type => type.Path);
        SortedDictionary<string, SortedSet<string>> references = new(StringComparer.Ordinal);
        foreach (var source in sources)
        {
            var code = Comments().Replace(source.Text, "");
            var named = Names().Matches(code).Select(name => rooms.GetValueOrDefault(name.Groups[1].Value))
                .Concat(Words().Matches(code).Select(word => types.GetValueOrDefault(word.Value)));
            references.TryAdd(Room(source), new(StringComparer.Ordinal));
            references[Room(source)].UnionWith(named.OfType<string>().Where(room => room != Room(source)));
        }

        return references;
    }

    /// <summary>A way through the references that comes back to where it began; null when there is none.</summary>
    private static string? Circle(SortedDictionary<string, SortedSet<string>> references)
    {
        HashSet<string> harmless = [];
        return references.Keys.Select(room => From(room, [])).FirstOrDefault(static circle => circle is not null);

        string? From(string room, List<string> way)
        {
            if (way.IndexOf(room) is >= 0 and var start)
            {
                return string.Join(" > ", [.. way[start..], room]);
            }

            if (harmless.Contains(room))
            {
                return null;
            }

            var circle = references[room].Select(next => From(next, [.. way, room])).FirstOrDefault(static circle => circle is not null);
            harmless.Add(room);
            return circle;
        }
    }

    [GeneratedRegex(@"^(?:(?:public|internal|static|sealed|abstract|partial|readonly) )*(?:class|struct|interface|enum|record struct|record) (\w+)", RegexOptions.Multiline)]
    private static partial Regex Types();

    [GeneratedRegex(@"\bCortex\.Gateway\.(\w+)")]
    private static partial Regex Names();

    [GeneratedRegex(@"(?<![\w.])[A-Z]\w*")]
    private static partial Regex Words();

    [GeneratedRegex("//.*|\"[^\"\n]*\"")]
    private static partial Regex Comments();

    /// <summary>A file's path below the gateway's folder, and what stands in it.</summary>
    private sealed record Source(string Path, string Text);
}
