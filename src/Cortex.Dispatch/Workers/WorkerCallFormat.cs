using Cortex.Gateway.Replicas;
using Cortex.Queues;

namespace Cortex.Dispatch.Workers;

/// <summary>Requests with the same headers for all messages of a queue. Status 200 is success; what the answer says is not looked at.</summary>
internal sealed class WorkerCallFormat(ReadOnlyMemory<byte> headerLines) : ICallFormat
{
    /// <inheritdoc/>
    public int MaxFinishing => 256;   // they hold nothing but their lease

    /// <inheritdoc/>
    public void AddHeaders(ReplicaCall call, LeasedMessage message) => call.AddHeaderLines(headerLines.Span);

    /// <inheritdoc/>
    public async ValueTask<Body> ReadAnswerAsync(ReplicaCall call, HeldMessage work)
    {
        if (call.Status != 200)
        {
            var answer = await AnswerStart.ReadAsync(call);
            throw new AttemptFailedException(FailureReason.BadStatus, $"the worker answered with status {call.Status}; success is 200", call.Status, answer);
        }

        // To its end: an answer that breaks off may come from a worker that died within its work.
        while (await call.ReadAsync() is { IsEmpty: false })
        {
        }

        return default;
    }
}
