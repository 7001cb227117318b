using System.Text;
using Microsoft.AspNetCore.Http;

namespace Cortex.Async.Tests;

public sealed class MessageHeadTests
{
    [Fact]
    public void Write_Headers_AreReadBackAsTheyCame()
    {
        var head = RoundTrip(
            new HeaderDictionary { ["Content-Type"] = "text/plain; charset=utf-8", ["X-Name"] = "J\u00c3\u00b6rg", ["Accept"] = new(["a/b", "c/d"]), ["X-Empty"] = "" });

        Assert.Equal("Content-Type: text/plain; charset=utf-8\r\nX-Name: J\u00c3\u00b6rg\r\nAccept: a/b\r\nAccept: c/d\r\nX-Empty: \r\n", Lines(head));
        Assert.Equal("iris", head.ApiName);
        Assert.False(head.HasCallback);
        Assert.Null(head.CallbackUrl);
        List<(string, string)> pairs = [];
        foreach (var header in head)
        {
            pairs.Add((Encoding.Latin1.GetString(header.Name), Encoding.Latin1.GetString(header.Value)));
        }

        Assert.Equal([("Content-Type", "text/plain; charset=utf-8"), ("X-Name", "J\u00c3\u00b6rg"), ("Accept", "a/b"), ("Accept", "c/d"), ("X-Empty", "")], pairs);
    }

    [Fact]
    public void Write_CallbackUrl_IsKeptBesideTheHeaders()
    {
        var head = RoundTrip(new HeaderDictionary { ["X-Cortex-Callback-URL"] = "https://example.com/done", ["A"] = "b" }, "https://example.com/done");

        Assert.Equal("https://example.com/done", head.CallbackUrl);
        Assert.True(head.HasCallback);
        Assert.Equal("A: b\r\n", Lines(head));
    }

    [Theory]
    [InlineData("Host")]
    [InlineData("content-length")]
    [InlineData("Transfer-Encoding")]
    [InlineData("Connection")]
    [InlineData("Keep-Alive")]
    [InlineData("Upgrade")]
    [InlineData("TE")]
    [InlineData("Expect")]
    [InlineData("accept-encoding")]
    [InlineData("X-Cortex-Request-ID")]
    [InlineData("X-Cortex-API-Name")]
    [InlineData("X-Cortex-Queue-URL")]
    [InlineData("X-Cortex-Target-Service")]
    [InlineData(":authority")]
    public void Write_HeaderThatIsNotTheWorkers_IsLeftOut(string name)
    {
        var head = RoundTrip(new HeaderDictionary { [name] = "x", ["A"] = "b" });

        Assert.Equal("A: b\r\n", Lines(head));
    }

    [Theory]
    [InlineData("Idempotency-Key")]
    [InlineData("X-Cortex-Priority")]
    [InlineData("X-Request-ID")]
    [InlineData("X-Forwarded-For")]
    [InlineData("Authorization")]
    public void Write_OtherHeader_IsKept(string name)
    {
        var head = RoundTrip(new HeaderDictionary { [name] = "x" });

        Assert.Equal($"{name}: x\r\n", Lines(head));
    }

    [Fact]
    public void Write_HeaderNamedByConnection_IsLeftOut()
    {
        var head = RoundTrip(new HeaderDictionary { ["Connection"] = "X-Mine, keep-alive, close", ["X-Mine"] = "x", ["A"] = "b" });

        Assert.Equal("A: b\r\n", Lines(head));
    }

    [Fact]
    public void Write_SplitCookies_AreJoined()
    {
        var head = RoundTrip(new HeaderDictionary { ["Cookie"] = new(["a=1", "b=2", "c=3"]) });

        Assert.Equal("Cookie: a=1; b=2; c=3\r\n", Lines(head));
    }

    [Theory]
    [InlineData("A", "x\r\nB: y")]
    [InlineData("A", "x\ny")]
    [InlineData("A", "x\0y")]
    [InlineData("A B", "x")]
    [InlineData("A:", "x")]
    public void TryMeasure_HeaderThatWouldBreakTheLines_IsRefused(string name, string value)
    {
        Assert.False(MessageHead.TryMeasure(new HeaderDictionary { [name] = value }, "iris", "", out _, out var trouble));
        Assert.NotNull(trouble);
    }

    [Theory]
    [InlineData("")]
    [InlineData("00000000")]
    [InlineData("01")]
    [InlineData("010500006162")]
    [InlineData("0102000a6162")]
    public void TryParse_OtherBytes_IsFalse(string hex)
    {
        Assert.False(MessageHead.TryParse(Convert.FromHexString(hex), out _));
    }

    private static MessageHead RoundTrip(IHeaderDictionary headers, string callback = "")
    {
        Assert.True(MessageHead.TryMeasure(headers, "iris", callback, out var length, out _));
        var bytes = new byte[length];
        var written = MessageHead.Write(bytes, headers, "iris", callback);
        Assert.True(MessageHead.TryParse(bytes.AsMemory(0, written), out var head));
        return head;
    }

    private static string Lines(MessageHead head) => Encoding.Latin1.GetString(head.HeaderLines.Span);
}
