using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Text;
using Cortex.Gateway.Replicas;
using Microsoft.AspNetCore.Http;

namespace Cortex.Gateway.Forwarding;

/// <summary>
/// Passes an answer's body on, every read at once. A client that does not read stops the reading from the replica.
/// Lets go of the replica once the last byte has been read and copied, before the client gets it.
/// </summary>
internal readonly struct BodyCopier(UpstreamConnection connection, HttpResponse response, ClientPatience patience, Action finish, IdleWatch? idle)
{
    private const int LargeBuffer = 64 * 1024;

    /// <summary>Copies as many bytes as were announced.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public async ValueTask SizedAsync(long length)
    {
        var writer = response.BodyWriter;
        await response.StartAsync();
        length -= PutUnread(writer, length);
        if (length == 0)
        {
            finish();
        }

        Check(await patience.FlushAsync(writer, CancellationToken.None), isLast: length == 0);
        if (length > 0)
        {
            await RestAsync(writer, length);
        }
    }

    /// <summary>Copies chunks; the client's side frames them anew. Trailers are passed on to HTTP/2 clients.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public async ValueTask ChunkedAsync()
    {
        var writer = response.BodyWriter;
        var decoder = default(ChunkedDecoder);
        await response.StartAsync();
        while (true)
        {
            while (!connection.Unread.IsEmpty && !decoder.IsDone)
            {
                Put(writer, decoder.Next(connection.Unread, out var consumed));
                connection.Consume(consumed);
            }

            if (decoder.IsDone)
            {
                PassOnTrailers(decoder.Trailers);
                finish();
                await patience.CompleteAsync(response);
                return;
            }

            Check(await patience.FlushAsync(writer, CancellationToken.None));
            if (!await connection.FillAsync())
            {
                throw CutShort();
            }
        }
    }

    /// <summary>Copies until the replica closes the connection.</summary>
    public async ValueTask UntilCloseAsync()
    {
        var writer = response.BodyWriter;
        await response.StartAsync();
        do
        {
            PutUnread(writer, long.MaxValue);
            Check(await patience.FlushAsync(writer, CancellationToken.None));
        }
        while (await connection.FillAsync());

        finish();
        await patience.CompleteAsync(response);
    }

    private static BadUpstreamAnswerException CutShort() => new("the connection was closed within the answer's body");

    private async ValueTask RestAsync(PipeWriter writer, long length)
    {
        var buffer = ArrayPool<byte>.Shared.Rent((int)Math.Min(length, LargeBuffer));
        try
        {
            while (length > 0)
            {
                var count = await connection.ReceiveAsync(buffer.AsMemory(0, (int)Math.Min(length, buffer.Length)));
                if (count == 0)
                {
                    throw CutShort();
                }

                length -= count;
                Put(writer, buffer.AsSpan(0, count));
                if (length == 0)
                {
                    finish();
                }

                idle?.Touch();
                Check(await patience.FlushAsync(writer, CancellationToken.None), isLast: length == 0);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static void Put(PipeWriter writer, ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            var room = writer.GetSpan(1);
            var count = Math.Min(room.Length, bytes.Length);
            bytes[..count].CopyTo(room);
            writer.Advance(count);
            bytes = bytes[count..];
        }
    }

    /// <summary>Puts what has been read before, and says how much that is. Empty writes are avoided: over HTTP/2, they report that nobody reads.</summary>
    private int PutUnread(PipeWriter writer, long limit)
    {
        var count = (int)Math.Min(limit, connection.Unread.Length);
        Put(writer, connection.Unread[..count]);
        connection.Consume(count);
        return count;
    }

    /// <summary>
    /// Ends an answer that nobody takes. A client's stream that is complete tells of that only while bytes are missing: once
    /// all are handed over, the server may complete an HTTP/2 stream by itself.
    /// </summary>
    private void Check(FlushResult flushed, bool isLast = false)
    {
        idle?.Touch();
        if (flushed.IsCanceled || (flushed.IsCompleted && !isLast))
        {
            throw new ClientLeftException();
        }
    }

    private void PassOnTrailers(ReadOnlySpan<byte> trailers)
    {
        if (trailers.IsEmpty || !response.SupportsTrailers())
        {
            return;
        }

        foreach (var range in trailers.Split("\r\n"u8))
        {
            var line = trailers[range];
            var colon = line.IndexOf((byte)':');
            if (colon > 0 && HopHeaders.Classify(line[..colon]) == HeaderKind.EndToEnd)
            {
                response.AppendTrailer(
                    Encoding.Latin1.GetString(line[..colon]), Encoding.Latin1.GetString(line[(colon + 1)..].Trim(" \t"u8)));
            }
        }
    }
}
