using System.Text;
using Cortex.Gateway.Replicas;

namespace Cortex.Gateway.Tests.Replicas;

public sealed class ChunkedDecoderTests
{
    [Theory]
    [InlineData("0\r\n\r\n", "", "")]
    [InlineData("5\r\nhello\r\n0\r\n\r\n", "hello", "")]
    [InlineData("05;x=\"y\"\r\nhello\r\nA\r\n0123456789\r\n0\r\n\r\n", "hello0123456789", "")]
    [InlineData("1\r\na\r\n0\r\nX-Sum: 1\r\nY: 2\r\n\r\n", "a", "X-Sum: 1\r\nY: 2\r\n")]
    [InlineData("5\nhello\n1;x\n!\n0\n\n", "hello!", "")]
    [InlineData("1\na\r\n0\nX-Sum: 1\nY: 2\r\n\n", "a", "X-Sum: 1\r\nY: 2\r\n")]
    [InlineData("a \r\n\r\n\r\n0\r\n\r\nX\r\n0\r\n\r\n", "\r\n\r\n0\r\n\r\nX", "")]
    public void Next_WellFormed_GivesPayloadHoweverItIsSplit(string input, string payload, string trailers)
    {
        for (var size = 1; size <= input.Length; size++)
        {
            var (read, decoder, left) = Decode(Encoding.ASCII.GetBytes(input + "NEXT"), size);

            Assert.Equal(payload, read);
            Assert.True(decoder.IsDone);
            Assert.Equal(trailers, Encoding.ASCII.GetString(decoder.Trailers));
            Assert.Equal("NEXT", left);
        }
    }

    [Theory]
    [InlineData("\r\n")]
    [InlineData("x\r\n")]
    [InlineData("-1\r\n")]
    [InlineData("\n")]
    [InlineData("5\rhello")]
    [InlineData("5;a\rhello")]
    [InlineData("5\r\nhelloX")]
    [InlineData("5\r\nhello\rX")]
    [InlineData("FFFFFFFFFFFFFFFFF\r\n")]
    [InlineData("0x5\r\n")]
    [InlineData("0\r\n\rX")]
    [InlineData("0\r\nA: b\rC: d\r\n\r\n")]
    public void Next_Malformed_Refuses(string input)
    {
        Assert.Throws<BadUpstreamAnswerException>(() => Decode(Encoding.ASCII.GetBytes(input), 3));
    }

    [Fact]
    public void Next_EndlessExtensionOrTrailers_Refuses()
    {
        Assert.Throws<BadUpstreamAnswerException>(() => Decode(Encoding.ASCII.GetBytes("5;" + new string('x', 10_000)), 100));
        Assert.Throws<BadUpstreamAnswerException>(() => Decode(Encoding.ASCII.GetBytes("0\r\n" + new string('x', 100_000)), 100));
    }

    [Fact]
    public void Next_RandomBytes_EndsOrRefuses()
    {
        var random = new Random(3);
        for (var round = 0; round < 5000; round++)
        {
            var bytes = new byte[random.Next(1, 60)];
            for (var i = 0; i < bytes.Length; i++)
            {
                bytes[i] = (byte)"0123456789abcf;\r\n\r\n "[random.Next(20)];
            }

            try
            {
                Decode(bytes, random.Next(1, 10));
            }
            catch (BadUpstreamAnswerException)
            {
                // Refused, which is an end too.
            }
        }
    }

    private static (string Payload, ChunkedDecoder Decoder, string Left) Decode(byte[] input, int size)
    {
        var decoder = default(ChunkedDecoder);
        var payload = new StringBuilder();
        var start = 0;
        for (var end = 0; start < input.Length && !decoder.IsDone;)
        {
            end = Math.Min(input.Length, Math.Max(end, start) + size);
            while (start < end && !decoder.IsDone)
            {
                var run = decoder.Next(input.AsSpan(start, end - start), out var consumed);
                Assert.True(consumed > 0);
                payload.Append(Encoding.ASCII.GetString(run));
                start += consumed;
            }
        }

        return (payload.ToString(), decoder, Encoding.ASCII.GetString(input, start, input.Length - start));
    }
}
