using System.Net;
using Cortex.Async.Endpoint;
using Cortex.Queues.Blobs;

namespace Cortex.Async.Callbacks;

/// <summary>A document as the body of a callback.</summary>
internal sealed class DocumentContent : HttpContent
{
    private readonly RequestDocument _document;
    private readonly IBlobStore _blobs;

    public DocumentContent(RequestDocument document, IBlobStore blobs)
    {
        _document = document;
        _blobs = blobs;
        Headers.ContentType = new(EndpointAnswer.Json);
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        if (_document.Blob is null)
        {
            await stream.WriteAsync(_document.Before, cancellationToken);
            return;
        }

        await using var result = await _document.OpenAsync(_blobs, cancellationToken);
        await _document.CopyToAsync(result, stream, cancellationToken);
    }

    protected override bool TryComputeLength(out long length)
    {
        length = _document.Length;
        return true;
    }
}
