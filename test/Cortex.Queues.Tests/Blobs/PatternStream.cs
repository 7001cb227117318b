namespace Cortex.Queues.Tests.Blobs;

/// <summary>Bytes of which each tells its position, of a length that nobody is told in advance; may fail or wait on the way.</summary>
internal sealed class PatternStream(long length) : Stream
{
    private long _position;

    /// <summary>Asked at <see cref="EventAt"/>; may throw or wait.</summary>
    public Func<CancellationToken, Task>? Event { get; init; }

    public long EventAt { get; init; }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public static byte At(long position) => (byte)((position * 31) ^ (position >> 8) ^ (position >> 16));

    /// <summary>Reads to the end; fails at the first byte that is not in its place.</summary>
    public static async Task<long> CheckAsync(Stream stream)
    {
        var buffer = new byte[64 * 1024];
        long position = 0;
        int read;
        while ((read = await stream.ReadAsync(buffer)) > 0)
        {
            for (var i = 0; i < read; i++)
            {
                if (buffer[i] != At(position + i))
                {
                    Assert.Fail($"byte {position + i} is wrong");
                }
            }

            position += read;
        }

        return position;
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (Event is not null && _position >= EventAt)
        {
            await Event(cancellationToken);
        }

        // Odd amounts: what arrives does not come in whole buffers.
        var count = (int)Math.Min(Math.Min(buffer.Length, 60_001), length - _position);
        for (var i = 0; i < count; i++)
        {
            buffer.Span[i] = At(_position + i);
        }

        _position += count;
        return count;
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
