using Cortex.Gateway.Routing;
using Cortex.Gateway.Serving;
using Cortex.Routing;
using Microsoft.AspNetCore.Http;

namespace Cortex.Gateway.Tests.Serving;

public sealed class StickyValueTests
{
    [Theory]
    [InlineData("user=alice", "alice")]
    [InlineData("a=1; user=alice; b=2", "alice")]
    [InlineData("a=1;user=alice;b=2", "alice")]
    [InlineData("xuser=no; user=a=b", "a=b")]
    [InlineData("user=first; user=second", "first")]
    [InlineData("User=no", "")]
    [InlineData("user=", "")]
    [InlineData("user", "")]
    [InlineData("", "")]
    [InlineData("; ;=;user =x", "")]
    public void Of_Cookie_IsItsFirstValue(string header, string expected)
    {
        var headers = new HeaderDictionary { ["Cookie"] = header };

        Assert.Equal(expected, StickyValue.Of(headers, new StickyKey("user", IsCookie: true)).ToString());
    }

    [Fact]
    public void Of_CookieInSeveralHeaders_IsFound()
    {
        var headers = new HeaderDictionary { ["Cookie"] = new(["a=1", "user=bob"]) };

        Assert.Equal("bob", StickyValue.Of(headers, new StickyKey("user", IsCookie: true)).ToString());
    }

    [Fact]
    public void Of_Header_IsItsFirstValueWhateverTheCaseOfItsName()
    {
        var headers = new HeaderDictionary { ["X-User"] = new(["carol", "dave"]) };

        Assert.Equal("carol", StickyValue.Of(headers, new StickyKey("x-user", IsCookie: false)).ToString());
        Assert.Equal("", StickyValue.Of(headers, new StickyKey("x-other", IsCookie: false)).ToString());
        Assert.Equal("", StickyValue.Of(headers, null).ToString());
    }
}
