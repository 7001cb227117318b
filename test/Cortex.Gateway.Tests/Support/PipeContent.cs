using System.IO.Pipelines;
using System.Net;

namespace Cortex.Gateway.Tests.Support;

/// <summary>A request's body that the test writes while the request is on its way.</summary>
internal sealed class PipeContent(PipeReader reader, long? announced = null) : HttpContent
{
    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        while (true)
        {
            await stream.FlushAsync(cancellationToken);
            var read = await reader.ReadAsync(cancellationToken);
            foreach (var segment in read.Buffer)
            {
                await stream.WriteAsync(segment, cancellationToken);
            }

            reader.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted)
            {
                return;
            }
        }
    }

    protected override bool TryComputeLength(out long length)
    {
        length = announced ?? 0;
        return announced is not null;
    }
}
