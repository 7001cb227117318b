using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Cortex.Runtimes.Docker.Engine;

/// <summary>One piece of a container's output: at most one log entry (16 KiB) and its time.</summary>
internal readonly record struct LogFrame(bool IsError, byte[] Bytes);

/// <summary>Reads the engine's multiplexed stream: eight bytes of header (stream, length), then the payload.</summary>
internal static class LogFrames
{
    /// <summary>Larger frames are not sent by any engine; one means that the stream is no multiplexed stream.</summary>
    private const int MaxFrame = 64 << 20;

    public static async IAsyncEnumerable<LogFrame> ReadAsync(Stream stream, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var header = new byte[8];
        while (true)
        {
            byte[] payload;
            try
            {
                if (await stream.ReadAtLeastAsync(header, 8, throwOnEndOfStream: false, cancellationToken) < 8)
                {
                    yield break;
                }

                var length = BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(4));
                if (header[0] > 2 || length > MaxFrame)
                {
                    throw new RuntimeUnavailableException("Docker Engine sent output that is not in its own stream format");
                }

                payload = new byte[length];
                await stream.ReadExactlyAsync(payload, cancellationToken);
            }
            catch (Exception error) when (error is IOException or HttpRequestException)
            {
                throw new RuntimeUnavailableException($"Docker Engine broke off a container's output: {error.Message}", error);
            }

            yield return new LogFrame(header[0] == 2, payload);
        }
    }
}
