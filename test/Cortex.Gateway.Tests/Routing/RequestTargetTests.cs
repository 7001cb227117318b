using Cortex.Gateway.Routing;

namespace Cortex.Gateway.Tests.Routing;

public sealed class RequestTargetTests
{
    [Theory]
    [InlineData("/a/b", "/a/b")]
    [InlineData("/a?x=/y", "/a")]
    [InlineData("/a?x?y", "/a")]
    [InlineData("http://host:80/a/b?c", "/a/b")]
    [InlineData("http://host", "")]
    [InlineData("http://host?q", "")]
    [InlineData("/a%2Fb%3Fc", "/a%2Fb%3Fc")]
    [InlineData("//a", "//a")]
    [InlineData("", "")]
    public void Parse_Target_FindsPath(string target, string path)
    {
        var place = RequestTarget.Parse(target);

        Assert.Equal(path, target[place.PathStart..place.PathEnd]);
    }
}
