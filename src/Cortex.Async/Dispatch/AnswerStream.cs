namespace Cortex.Async.Dispatch;

/// <summary>An answer's body as the blob store reads it: what was read already, and then what still comes.</summary>
internal sealed class AnswerStream(AnswerBody body, ReadOnlyMemory<byte> start, ReadOnlyMemory<byte> next) : Stream
{
    private ReadOnlyMemory<byte> _start = start;
    private ReadOnlyMemory<byte> _next = next;
    private bool _ended;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (!_start.IsEmpty)
        {
            return Give(ref _start, buffer);
        }

        if (_next.IsEmpty && !_ended)
        {
            _next = await body.ReadAsync();
            _ended = _next.IsEmpty;
        }

        return Give(ref _next, buffer);
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("Read it asynchronously.");

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    private static int Give(ref ReadOnlyMemory<byte> from, Memory<byte> to)
    {
        var count = Math.Min(from.Length, to.Length);
        from.Span[..count].CopyTo(to.Span);
        from = from[count..];
        return count;
    }
}
