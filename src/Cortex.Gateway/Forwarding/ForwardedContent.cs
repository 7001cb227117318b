using System.IO.Pipelines;
using System.Net;

namespace Cortex.Gateway.Forwarding;

/// <summary>A client's body on its way to a replica, every part sent as it comes.</summary>
internal sealed class ForwardedContent(PipeReader body, long? length) : HttpContent
{
    /// <summary>Whether parts of it may be gone, so that it cannot be sent again.</summary>
    public bool Started { get; private set; }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        Started = true;
        await stream.FlushAsync(cancellationToken);   // the head goes out before the first part comes
        while (true)
        {
            var read = await body.ReadAsync(cancellationToken);
            foreach (var segment in read.Buffer)
            {
                await stream.WriteAsync(segment, cancellationToken);
            }

            await stream.FlushAsync(cancellationToken);
            body.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted)
            {
                return;
            }
        }
    }

    protected override bool TryComputeLength(out long computed)
    {
        computed = length ?? 0;
        return length is not null;
    }
}
