using System.Text;
using Cortex.Gateway.Replicas;

namespace Cortex.Gateway.Tests.Replicas;

public sealed class ResponseHeadTests
{
    private readonly ResponseHead _head = new();

    [Fact]
    public void TryParse_WholeHead_FindsEverything()
    {
        var bytes = Encoding.Latin1.GetBytes("HTTP/1.1 404 Not  Here\r\nContent-Length: 12\r\nX-A:  b c \t\r\nx-empty:\r\nX-\u00e9: no\r\n\r\nbody"
            .Replace("X-\u00e9: no\r\n", "X-E: \u00e9\r\n", StringComparison.Ordinal));

        Assert.True(_head.TryParse(bytes));

        Assert.Equal(404, _head.Status);
        Assert.Equal("Not  Here", Encoding.Latin1.GetString(bytes[_head.Reason]));
        Assert.Equal(12, _head.ContentLength);
        Assert.True(_head.KeepsConnection);
        Assert.Equal("body", Encoding.Latin1.GetString(bytes[_head.Length..]));
        Assert.Equal(
            ["Content-Length=12", "X-A=b c", "x-empty=", "X-E=\u00e9"],
            _head.Fields.ToArray().Select(field => Encoding.Latin1.GetString(field.Name(bytes)) + "=" + Encoding.Latin1.GetString(field.Value(bytes))));
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", false)]
    [InlineData("HTTP/1.1 200 OK\r\nConnection: x, CLOSE\r\n\r\n", false)]
    [InlineData("HTTP/1.0 200 OK\r\n\r\n", false)]
    [InlineData("HTTP/1.1 200\r\n\r\n", true)]
    [InlineData("HTTP/1.1 200 \r\nConnection: keep-alive\r\n\r\n", true)]
    public void TryParse_Connection_TellsWhetherItStays(string head, bool keeps)
    {
        Assert.True(_head.TryParse(Encoding.ASCII.GetBytes(head)));
        Assert.Equal(keeps, _head.KeepsConnection);
    }

    [Theory]
    [InlineData("GARBAGE")]
    [InlineData("HTTP/2")]
    [InlineData("HTTP/1.1 20 OK\r\n\r\n")]
    [InlineData("HTTP/1.1 2000 OK\r\n\r\n")]
    [InlineData("HTTP/1.1 099 OK\r\n\r\n")]
    [InlineData("HTTP/1.1 +20 OK\r\n\r\n")]
    [InlineData("HTTP/1.2 200 OK\r\n\r\n")]
    [InlineData("HTTP/1.1  200 OK\r\n\r\n")]
    [InlineData("HTTP/1.1 200 O\rK\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nNo colon\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nBlank : x\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\n: x\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\n\rA: b\n\n")]
    [InlineData("HTTP/1.1 200 OK\r\nA: b\r\r\n\r\n")]
    [InlineData("\nHTTP/1.1 200 OK\n\n")]
    [InlineData("\n\n")]
    [InlineData("HTTP/1.1 200 OK\r\nA: b\0\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n")]
    public void TryParse_Malformed_Refuses(string head)
    {
        Assert.Throws<BadUpstreamAnswerException>(() => _head.TryParse(Encoding.ASCII.GetBytes(head)));
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\nContent-Length: 4\nX: y\n\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX: y\r\n\n")]
    [InlineData("HTTP/1.1 200 OK\nContent-Length: 4\r\nX: y\n\r\n")]
    public void TryParse_LinesEndWithLineFeedAlone_FindsTheSame(string head)
    {
        var bytes = Encoding.ASCII.GetBytes(head + "\n\r\n\r\nbody");

        Assert.True(_head.TryParse(bytes));

        Assert.Equal((200, 4, head.Length), (_head.Status, _head.ContentLength, _head.Length));
        Assert.Equal("OK", Encoding.ASCII.GetString(bytes[_head.Reason]));
        Assert.Equal(
            ["Content-Length=4", "X=y"],
            _head.Fields.ToArray().Select(field => Encoding.ASCII.GetString(field.Name(bytes)) + "=" + Encoding.ASCII.GetString(field.Value(bytes))));
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nA: b\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\nA: b\n\n")]
    [InlineData("HTTP/1.1 200 OK\r\n\r\n")]
    public void TryParse_Incomplete_WaitsForMore(string text)
    {
        for (var length = 0; length < text.Length; length++)
        {
            Assert.False(_head.TryParse(Encoding.ASCII.GetBytes(text[..length])));
        }

        Assert.True(_head.TryParse(Encoding.ASCII.GetBytes(text)));
    }

    [Fact]
    public void TryParse_MutatedHeads_ParsesOrRefuses()
    {
        var random = new Random(5);
        var seed = Encoding.ASCII.GetBytes("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: a, b\r\nX: y\r\n\r\n");
        for (var round = 0; round < 20_000; round++)
        {
            var bytes = (byte[])seed.Clone();
            for (var changes = random.Next(1, 5); changes > 0; changes--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            try
            {
                _head.TryParse(bytes);
            }
            catch (BadUpstreamAnswerException)
            {
                // Refused.
            }
        }
    }
}
