using Cortex.Queues.Blobs;

namespace Cortex.Async.Answers;

/// <summary>An answer's body as the blob store reads it: what was read already, and then what still comes.</summary>
internal sealed class AnswerStream(AnswerBody body, ReadOnlyMemory<byte> start, ReadOnlyMemory<byte> next) : ReadOnceStream
{
    private ReadOnlyMemory<byte> _start = start;
    private ReadOnlyMemory<byte> _next = next;
    private bool _ended;

    public override long? Expected => body.Expected;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (!_start.IsEmpty)
        {
            return Give(ref _start, buffer);
        }

        if (_next.IsEmpty && !_ended)
        {
            _next = await body.ReadAsync();
            await Task.Yield();   // what reads this works on files, and not on a thread that serves sockets
            _ended = _next.IsEmpty;
        }

        return Give(ref _next, buffer);
    }

    private static int Give(ref ReadOnlyMemory<byte> from, Memory<byte> to)
    {
        var count = Math.Min(from.Length, to.Length);
        from.Span[..count].CopyTo(to.Span);
        from = from[count..];
        return count;
    }
}
