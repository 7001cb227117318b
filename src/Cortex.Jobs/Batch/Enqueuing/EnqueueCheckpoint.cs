using System.Buffers;
using System.Text;
using System.Text.Json;
using Cortex.Core.Errors;
using Cortex.Jobs.Batch.Sources;

namespace Cortex.Jobs.Batch.Enqueuing;

/// <summary>How far enqueuing is, kept by the store in the same commit as the batches themselves.</summary>
/// <param name="Next">Where the first item stands that is in no batch in the queue.</param>
/// <param name="Progress">What is in the queue.</param>
internal readonly record struct EnqueueCheckpoint(SourcePosition Next, EnqueueProgress Progress)
{
    /// <summary>As text of at most 4 KiB.</summary>
    public string ToText()
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteNumber("items"u8, Progress.Items);
            json.WriteNumber("batches"u8, Progress.Batches);
            json.WriteBoolean("done"u8, Progress.Done);
            json.WriteNumber("path"u8, Next.Path);
            if (Next.File is { } file)
            {
                // Base 64 bounds the length whatever the characters are.
                json.WriteBase64String("file"u8, Encoding.UTF8.GetBytes(file));
            }

            if (Next.Tag is { } tag)
            {
                json.WriteString("tag"u8, tag);
            }

            if (Next.Offset is { } offset)
            {
                json.WriteNumber("offset"u8, offset);
            }

            json.WriteNumber("item"u8, Next.Item);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    /// <summary>Reads it again.</summary>
    /// <exception cref="CortexException">It is none.</exception>
    public static EnqueueCheckpoint Parse(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            var json = document.RootElement;
            return new(
                new SourcePosition(
                    json.GetProperty("path"u8).GetInt32(),
                    json.TryGetProperty("file"u8, out var file) ? Encoding.UTF8.GetString(file.GetBytesFromBase64()) : null,
                    json.TryGetProperty("tag"u8, out var tag) ? tag.GetString() : null,
                    json.TryGetProperty("offset"u8, out var offset) ? offset.GetInt64() : null,
                    json.GetProperty("item"u8).GetInt64()),
                new EnqueueProgress(json.GetProperty("items"u8).GetInt64(), json.GetProperty("batches"u8).GetInt64(), json.GetProperty("done"u8).GetBoolean()));
        }
        catch (Exception exception) when (exception is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new CortexException(BatchErrorKinds.Other, $"the checkpoint of enqueuing is damaged: {exception.Message}", exception);
        }
    }
}
