using Cortex.Gateway.Routing;

namespace Cortex.Gateway.Tests.Routing;

public sealed class RouteTableTests
{
    [Theory]
    [InlineData("/a", "/a", "")]
    [InlineData("/a/", "/a", "/")]
    [InlineData("/a/x/y", "/a", "/x/y")]
    [InlineData("/a/b", "/a/b", "")]
    [InlineData("/a/b/c", "/a/b", "/c")]
    [InlineData("/a/bc", "/a", "/bc")]
    [InlineData("/a/b/c/d/e", "/a/b/c/d", "/e")]
    [InlineData("/a/../c", "/a", "/../c")]
    [InlineData("/a//b", "/a", "//b")]
    [InlineData("/a/%62", "/a", "/%62")]
    public void TryMatch_KnownPath_LongestEndpointWins(string path, string endpoint, string rest)
    {
        var table = Table("/a", "/a/b", "/a/b/c/d", "/c");

        Assert.True(table.TryMatch(path, out var found, out var matched));
        Assert.Equal(endpoint, found);
        Assert.Equal(rest, path[matched..]);
    }

    [Theory]
    [InlineData("/")]
    [InlineData("")]
    [InlineData("*")]
    [InlineData("/ab")]
    [InlineData("/A")]
    [InlineData("//a")]
    [InlineData("/%61")]
    [InlineData("a")]
    public void TryMatch_UnknownPath_FindsNothing(string path)
    {
        Assert.False(Table("/a", "/a/b").TryMatch(path, out _, out _));
    }

    [Fact]
    public void TryMatch_RootEndpoint_CatchesTheRest()
    {
        var table = Table("/", "/a");

        Assert.True(table.TryMatch("/x/y", out var found, out var matched));
        Assert.Equal(("/", 0), (found, matched));
        Assert.True(table.TryMatch("/a/y", out found, out matched));
        Assert.Equal(("/a", 2), (found, matched));
    }

    [Fact]
    public void TryMatch_RandomTables_AgreesWithPlainSearch()
    {
        var random = new Random(7);
        for (var round = 0; round < 2000; round++)
        {
            var endpoints = Enumerable.Range(0, random.Next(1, 12)).Select(_ => Path(random, 4)).Distinct().ToArray();
            var path = Path(random, 6);
            var expected = endpoints.Where(e => path == e || path.StartsWith(e + "/", StringComparison.Ordinal)).MaxBy(e => e.Length);

            var matches = Table(endpoints).TryMatch(path, out var found, out _);

            Assert.Equal(expected is not null, matches);
            Assert.Equal(expected, found);
        }
    }

    [Fact]
    public void TryMatch_ManyLookups_AllocatesNothing()
    {
        var table = Table([.. Enumerable.Range(0, 1000).Select(i => $"/team/api-{i}")]);
        table.TryMatch("/team/api-500/predict", out _, out _);
        var before = GC.GetAllocatedBytesForCurrentThread();

        for (var i = 0; i < 1000; i++)
        {
            table.TryMatch("/team/api-500/predict", out _, out _);
            table.TryMatch("/nowhere/at/all", out _, out _);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static RouteTable<string> Table(params string[] endpoints) =>
        new(endpoints.Select(endpoint => KeyValuePair.Create(endpoint, endpoint)));

    private static string Path(Random random, int maxSegments) =>
        string.Concat(Enumerable.Range(0, random.Next(1, maxSegments + 1)).Select(_ => "/" + "abc"[random.Next(3)] + (random.Next(3) == 0 ? "x" : "")));
}
