using Cortex.Queues.Blobs;
using Microsoft.AspNetCore.Http;

namespace Cortex.Operator.Endpoints;

/// <summary>The body of a request whose client must not pause for too long.</summary>
internal sealed class ImpatientBody(Stream body, TimeSpan idleTimeout, TimeProvider time) : ReadOnceStream
{
    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        using var idle = new CancellationTokenSource(idleTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(idle.Token, cancellationToken);
        try
        {
            return await body.ReadAsync(buffer, either.Token);
        }
        catch (OperationCanceledException exception) when (idle.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new BadHttpRequestException($"no byte of the request body arrived for {idleTimeout.TotalSeconds} seconds", StatusCodes.Status408RequestTimeout, exception);
        }
    }
}
