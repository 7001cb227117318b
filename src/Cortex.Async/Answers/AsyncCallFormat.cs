using Cortex.Dispatch;
using Cortex.Gateway.Replicas;
using Cortex.Queues;
using Cortex.Queues.Blobs;

namespace Cortex.Async.Answers;

/// <summary>The requests of Async APIs: the client's own headers, and JSON as a result that is kept.</summary>
internal sealed class AsyncCallFormat(IBlobStore blobs, int inlineLimit) : ICallFormat
{
    /// <inheritdoc/>
    public int MaxFinishing => 64;

    /// <inheritdoc/>
    public void AddHeaders(ReplicaCall call, LeasedMessage message)
    {
        if (!MessageHead.TryParse(message.Head, out var head))
        {
            throw new AttemptFailedException(FailureReason.PayloadMissing, "the request's headers cannot be read; it was stored by another version");
        }

        call.AddHeaderLines(head.HeaderLines.Span);
        Span<byte> id = stackalloc byte[MessageId.Length];
        message.Lease.Id.TryFormat(id, out var length);
        call.AddHeader("X-Cortex-Request-ID"u8, id[..length]);
    }

    /// <inheritdoc/>
    public ValueTask<Body> ReadAnswerAsync(ReplicaCall call, HeldMessage work) => AnswerReader.ReadAsync(call, inlineLimit, blobs, work);
}
