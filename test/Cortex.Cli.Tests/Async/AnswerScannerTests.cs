using System.Text;
using System.Text.Json;
using Cortex.Cli.Async;

namespace Cortex.Cli.Tests.Async;

public sealed class AnswerScannerTests
{
    [Theory]
    [InlineData("""{"id":"a","status":"completed","result":{"result":[1,{"x":"}"}]},"timestamp":"t"}""", """{"result":[1,{"x":"}"}]}""", """{"id":"a","status":"completed","result":null,"timestamp":"t"}""")]
    [InlineData("""{"result":"a\"}\\","id":"b"}""", "\"a\\\"}\\\\\"", """{"result":null,"id":"b"}""")]
    [InlineData("""{"result":12}""", "12", """{"result":null}""")]
    [InlineData("""{"result":null,"id":"b"}""", "null", """{"result":null,"id":"b"}""")]
    [InlineData("""{"id":"result","error":{"result":1,"answer":"\"result\":"},"attempts":[{"result":2}]}""", "", """{"id":"result","error":{"result":1,"answer":"\"result\":"},"attempts":[{"result":2}]}""")]
    [InlineData("""{"id":"ä\"","result":[],"x":1}""", "[]", """{"id":"ä\"","result":null,"x":1}""")]
    [InlineData("{}", "", "{}")]
    public async Task Read_AnswerInPiecesOfAnySize_GivesTheResultAsItIs(string answer, string result, string rest)
    {
        for (var size = 1; size <= 70; size += size < 8 ? 1 : 31)
        {
            var found = new MemoryStream();
            var scanner = new AnswerScanner();

            var state = await scanner.ReadAsync(new SlowStream(Encoding.UTF8.GetBytes(answer), size), (piece, _) =>
            {
                found.Write(piece.Span);
                return ValueTask.CompletedTask;
            }, CancellationToken.None);

            Assert.Equal(result, Encoding.UTF8.GetString(found.ToArray()));
            Assert.Equal(rest, Encoding.UTF8.GetString(scanner.Rest.Span));
            Assert.Equal(JsonValueKind.Object, state.ValueKind);
            Assert.Equal(result.Length > 0, scanner.ResultAt is not null);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("""{"id":"a","result":{"x":1""")]
    [InlineData("""{"id":"a","result":{"x":1}""")]
    [InlineData("""{"id":"a",""")]
    [InlineData("<html>")]
    public async Task Read_SomethingElseOrBrokenOff_IsRefused(string answer) => await Assert.ThrowsAnyAsync<JsonException>(
        () => new AnswerScanner().ReadAsync(new SlowStream(Encoding.UTF8.GetBytes(answer), 3), (_, _) => ValueTask.CompletedTask, CancellationToken.None));

    private sealed class SlowStream(byte[] bytes, int pieces) : MemoryStream(bytes)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => base.ReadAsync(buffer[..Math.Min(pieces, buffer.Length)], cancellationToken);
    }
}
