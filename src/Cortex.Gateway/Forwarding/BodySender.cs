using System.Buffers;
using System.Buffers.Text;
using System.Text;
using Cortex.Gateway.Replicas;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Cortex.Gateway.Forwarding;

/// <summary>Sends a request's body to a replica, gathered into large sends, in chunks if it came in chunks.</summary>
internal sealed class BodySender(UpstreamConnection connection, bool chunked) : IDisposable
{
    private const int BufferSize = 64 * 1024;
    private const int SizeRoom = 10;   // eight hexadecimal digits and a line end
    private readonly byte[] _buffer = ArrayPool<byte>.Shared.Rent(BufferSize);

    /// <summary>Sends a part. False when the replica takes no more.</summary>
    public async ValueTask<bool> TrySendAsync(ReadOnlySequence<byte> part)
    {
        var room = _buffer.Length - SizeRoom - 2;
        while (!part.IsEmpty)
        {
            var piece = part.Slice(0, Math.Min(part.Length, room));
            part = part.Slice(piece.End);
            if (!await TrySendAsync(Frame(piece)))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Sends what follows the last part. False when the replica takes no more.</summary>
    /// <exception cref="BadHttpRequestException">A trailer belongs into the head.</exception>
    public ValueTask<bool> TryEndAsync(IHttpRequestTrailersFeature? trailers)
    {
        if (!chunked)
        {
            return ValueTask.FromResult(true);
        }

        var end = new StringBuilder("0\r\n");
        if (trailers is { Available: true })
        {
            foreach (var (name, values) in trailers.Trailers)
            {
                RequestCheck.RefuseTrailer(name);
                foreach (var value in values)
                {
                    if (HopHeaders.ClassifyRequest(name) == HeaderKind.EndToEnd && value.AsSpan().IndexOfAny('\r', '\n', '\0') < 0)
                    {
                        end.Append(name).Append(": ").Append(value).Append("\r\n");
                    }
                }
            }
        }

        return TrySendAsync(Encoding.Latin1.GetBytes(end.Append("\r\n").ToString()));
    }

    /// <summary>Gives the buffer back. Nothing may be being sent.</summary>
    public void Dispose() => ArrayPool<byte>.Shared.Return(_buffer);

    private Memory<byte> Frame(ReadOnlySequence<byte> piece)
    {
        var length = (int)piece.Length;
        piece.CopyTo(_buffer.AsSpan(SizeRoom));
        if (!chunked)
        {
            return _buffer.AsMemory(SizeRoom, length);
        }

        Utf8Formatter.TryFormat(length, _buffer, out _, new StandardFormat('x', 8));
        "\r\n"u8.CopyTo(_buffer.AsSpan(8));
        "\r\n"u8.CopyTo(_buffer.AsSpan(SizeRoom + length));
        return _buffer.AsMemory(0, SizeRoom + length + 2);
    }

    private async ValueTask<bool> TrySendAsync(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            await connection.SendAsync(bytes);
            return true;
        }
        catch (Exception e) when (UpstreamConnection.IsFailure(e))
        {
            return false;
        }
    }
}
