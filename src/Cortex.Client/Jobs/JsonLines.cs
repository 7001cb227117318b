using System.Buffers;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Cortex.Client.Jobs;

/// <summary>Items as JSON, one on a line, which are asked for while they are sent.</summary>
internal sealed class JsonLines<T> : HttpContent
{
    /// <summary>Bytes that are gathered before they are sent.</summary>
    private const int Piece = 64 * 1024;

    private readonly IAsyncEnumerable<T> _items;
    private readonly JsonTypeInfo<T> _type;

    public JsonLines(IAsyncEnumerable<T> items, JsonTypeInfo<T> type)
    {
        (_items, _type) = (items, type);
        Headers.ContentType = new MediaTypeHeaderValue("application/x-ndjson");
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        var buffer = new ArrayBufferWriter<byte>(2 * Piece);
        using var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { SkipValidation = true });
        await foreach (var item in _items.WithCancellation(cancellationToken).ConfigureAwait(false))
        {
            writer.Reset();
            JsonSerializer.Serialize(writer, item, _type);
            buffer.Write("\n"u8);
            if (buffer.WrittenCount >= Piece)
            {
                await stream.WriteAsync(buffer.WrittenMemory, cancellationToken).ConfigureAwait(false);
                buffer.ResetWrittenCount();
            }
        }

        await stream.WriteAsync(buffer.WrittenMemory, cancellationToken).ConfigureAwait(false);
    }

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }
}
