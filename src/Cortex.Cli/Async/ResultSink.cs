using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using Cortex.Cli.Output;

namespace Cortex.Cli.Async;

/// <summary>
/// Writes what came of a request while it arrives: the result alone, as the worker sent it, or laid out for reading on a terminal; or the whole answer as JSON.
/// </summary>
internal sealed class ResultSink(Stream output, AnswerScanner answer, OutputFormat format, bool isTerminal) : IAsyncDisposable
{
    /// <summary>A result up to this size is laid out for reading; larger ones pass as they are.</summary>
    private const int PrettyLimit = 1024 * 1024;

    /// <summary>Deeper than any result may be.</summary>
    private const int MaxDepth = 1024;

    private readonly bool _whole = format != OutputFormat.Pretty;
    private ArrayBufferWriter<byte>? _held = isTerminal && format == OutputFormat.Pretty ? new() : null;
    private bool _began;

    /// <summary>Takes a piece of the result.</summary>
    public async ValueTask WriteAsync(ReadOnlyMemory<byte> piece, CancellationToken cancellationToken)
    {
        if (!_began && _whole)
        {
            await output.WriteAsync(answer.Rest[..answer.ResultAt!.Value], cancellationToken);
        }

        _began = true;
        if (_held is not null && _held.WrittenCount + piece.Length <= PrettyLimit)
        {
            _held.Write(piece.Span);
            return;
        }

        await ReleaseAsync(cancellationToken);
        await output.WriteAsync(piece, cancellationToken);
    }

    /// <summary>Writes what is left once the answer has been read.</summary>
    public async Task FinishAsync(CancellationToken cancellationToken)
    {
        if (_whole)
        {
            // As every JSON answer of the command line, without a newline at the end.
            var tail = _began ? answer.Rest[(answer.ResultAt!.Value + "null".Length)..] : answer.Rest;
            await output.WriteAsync(tail[..tail.Span.TrimEnd(" \t\r\n"u8).Length], cancellationToken);
        }
        else if (_began)
        {
            if (_held is not null && LaidOut(_held.WrittenMemory) is { } readable)
            {
                await output.WriteAsync(readable, cancellationToken);
            }
            else
            {
                await ReleaseAsync(cancellationToken);
            }

            await output.WriteAsync("\n"u8.ToArray(), cancellationToken);
        }

        await output.FlushAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await output.FlushAsync();

    private async Task ReleaseAsync(CancellationToken cancellationToken)
    {
        if (_held is { } held)
        {
            _held = null;
            await output.WriteAsync(held.WrittenMemory, cancellationToken);
        }
    }

    private static ReadOnlyMemory<byte>? LaidOut(ReadOnlyMemory<byte> json)
    {
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = MaxDepth });
            var text = new ArrayBufferWriter<byte>();
            using (var writer = new Utf8JsonWriter(text, new JsonWriterOptions { Indented = true, NewLine = "\n", MaxDepth = MaxDepth, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
            {
                document.RootElement.WriteTo(writer);
            }

            return text.WrittenMemory;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
