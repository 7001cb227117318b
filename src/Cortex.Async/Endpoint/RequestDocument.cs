using System.Buffers;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Cortex.Queues;
using Cortex.Queues.Blobs;

namespace Cortex.Async.Endpoint;

/// <summary>What is known of a request, as JSON: for who asks, and for who is called back.</summary>
/// <param name="Before">The document; only its part before the result where that is in the blob store.</param>
/// <param name="Blob">Name of the result in the blob store; null when <paramref name="Before"/> is everything.</param>
/// <param name="BlobLength">Bytes of that result.</param>
/// <param name="After">The document's part behind that result.</param>
internal readonly record struct RequestDocument(ReadOnlyMemory<byte> Before, string? Blob, long BlobLength, ReadOnlyMemory<byte> After)
{
    private const int CopyBuffer = 64 * 1024;
    private const string Seconds = "yyyy-MM-dd'T'HH:mm:ss'Z'";
    private const string Milliseconds = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";

    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    /// <summary>Bytes of the whole document.</summary>
    public long Length => Before.Length + BlobLength + After.Length;

    /// <summary>Writes what is known of one request.</summary>
    /// <param name="record">The request.</param>
    /// <param name="callback">What became of its callback; null to leave it out.</param>
    public static RequestDocument Of(MessageRecord record, CallbackState? callback)
    {
        var result = record.Result ?? default;
        var output = new ArrayBufferWriter<byte>(192 + result.Inline.Length);
        using var json = new Utf8JsonWriter(output, Options);
        var split = 0;
        json.WriteStartObject();
        WriteId(json, record.Id);
        json.WriteString("status"u8, StatusWords.Of(record.Status));
        if (record.Status == MessageStatus.Completed)
        {
            json.WritePropertyName("result"u8);
            if (result.Blob is not null)
            {
                json.Flush();
                split = output.WrittenCount;
                json.WriteRawValue("0"u8, skipInputValidation: true);   // stands for the result
            }
            else
            {
                json.WriteRawValue(result.Inline.Span, skipInputValidation: true);   // checked when it arrived
            }
        }

        if (record.FinishedAt is { } finished)
        {
            json.WriteString("timestamp"u8, Text(finished, Seconds));
        }

        if (record.NotBefore is { } notBefore)
        {
            json.WriteString("not_before"u8, Text(notBefore, Milliseconds));
        }

        if (record.Status == MessageStatus.Failed)
        {
            WriteError(json, record.Attempts);
        }

        WriteAttempts(json, record.Attempts);
        if (callback is not null)
        {
            WriteCallback(json, callback);
        }

        json.WriteEndObject();
        json.Flush();
        output.Write("\n"u8);
        return split == 0
            ? new RequestDocument(output.WrittenMemory, null, 0, default)
            : new RequestDocument(output.WrittenMemory[..split], result.Blob, result.Length, output.WrittenMemory[(split + 1)..]);
    }

    /// <summary>Writes a list of requests.</summary>
    public static ReadOnlyMemory<byte> Of(MessagePage page)
    {
        var output = new ArrayBufferWriter<byte>(64 + (160 * page.Messages.Count));
        using var json = new Utf8JsonWriter(output, Options);
        json.WriteStartObject();
        json.WriteStartArray("requests"u8);
        foreach (var record in page.Messages)
        {
            json.WriteStartObject();
            WriteId(json, record.Id);
            json.WriteString("status"u8, StatusWords.Of(record.Status));
            json.WriteNumber("priority"u8, record.Priority);
            json.WriteString("created"u8, Text(record.EnqueuedAt, Milliseconds));
            if (record.FinishedAt is { } finished)
            {
                json.WriteString("timestamp"u8, Text(finished, Seconds));
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
        if (page.Next is { } next)
        {
            json.WriteString("cursor"u8, next.ToString(CultureInfo.InvariantCulture));
        }

        json.WriteEndObject();
        json.Flush();
        output.Write("\n"u8);
        return output.WrittenMemory;
    }

    /// <summary>Opens the result in the blob store.</summary>
    /// <exception cref="InvalidDataException">It is not there.</exception>
    public async Task<Stream> OpenAsync(IBlobStore blobs, CancellationToken cancellationToken) =>
        await blobs.OpenAsync(Blob!, cancellationToken) ?? throw new InvalidDataException($"the result {Blob} is missing from the blob store");

    /// <summary>Writes the document with a result from the blob store.</summary>
    /// <param name="content">The result.</param>
    /// <param name="output">Where to.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="InvalidDataException">The result is shorter or longer than it was.</exception>
    public async Task CopyToAsync(Stream content, Stream output, CancellationToken cancellationToken)
    {
        await output.WriteAsync(Before, cancellationToken);
        var buffer = ArrayPool<byte>.Shared.Rent(CopyBuffer);
        try
        {
            long copied = 0;
            for (int count; (count = await content.ReadAsync(buffer, cancellationToken)) > 0; copied += count)
            {
                await output.WriteAsync(buffer.AsMemory(0, count), cancellationToken);
            }

            if (copied != BlobLength)
            {
                throw new InvalidDataException($"the result {Blob} has {copied} bytes where {BlobLength} were written");
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        await output.WriteAsync(After, cancellationToken);
    }

    private static void WriteId(Utf8JsonWriter json, MessageId id)
    {
        Span<byte> text = stackalloc byte[MessageId.Length];
        id.TryFormat(text, out _);
        json.WriteString("id"u8, text);
    }

    private static void WriteError(Utf8JsonWriter json, IReadOnlyList<Attempt> attempts)
    {
        json.WriteStartObject("error"u8);
        if (attempts.Count > 0)
        {
            WriteOutcome(json, attempts[^1]);
        }

        json.WriteEndObject();
    }

    private static void WriteAttempts(Utf8JsonWriter json, IReadOnlyList<Attempt> attempts)
    {
        if (attempts.Count == 0)
        {
            return;
        }

        json.WriteStartArray("attempts"u8);
        foreach (var attempt in attempts)
        {
            json.WriteStartObject();
            json.WriteString("started"u8, Text(attempt.Started, Milliseconds));
            json.WriteString("ended"u8, Text(attempt.Ended, Milliseconds));
            json.WriteString("worker"u8, attempt.Worker);
            WriteOutcome(json, attempt);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteOutcome(Utf8JsonWriter json, Attempt attempt)
    {
        json.WriteString("reason"u8, attempt.Reason);
        json.WriteString("message"u8, attempt.Message);
        if (attempt.StatusCode is { } status)
        {
            json.WriteNumber("status_code"u8, status);
        }

        if (attempt.Answer.Length > 0)
        {
            json.WriteString("answer"u8, attempt.Answer);
        }
    }

    private static void WriteCallback(Utf8JsonWriter json, CallbackState callback)
    {
        json.WriteStartObject("callback"u8);
        json.WriteString("url"u8, callback.Url);
        json.WriteString("status"u8, callback.Status);
        if (callback.FinishedAt is { } finished)
        {
            json.WriteString("timestamp"u8, Text(finished, Seconds));
        }

        WriteAttempts(json, callback.Attempts);
        json.WriteEndObject();
    }

    private static string Text(DateTimeOffset time, string format) =>
        time.UtcDateTime.ToString(format, CultureInfo.InvariantCulture);
}
