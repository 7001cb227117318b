using Cortex.Gateway.Replicas;
using Cortex.Queues;
using Microsoft.Extensions.Logging;

namespace Cortex.Dispatch;

/// <summary>Brings one message to a replica and says what is to become of it. Never throws.</summary>
internal sealed class Caller(string api, ReplicaSet replicas, IQueueStore store, ICallFormat format, DispatchOptions options, DispatchMetrics metrics, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan BadStatusReadTime = TimeSpan.FromSeconds(5);

    /// <summary>Calls the slot's replica, or another one while the message has not been delivered.</summary>
    /// <param name="work">The message.</param>
    /// <param name="slot">Where to call.</param>
    /// <returns>What is to become of the message, and the slot that is held now; no slot when no other could be had.</returns>
    public async ValueTask<(CallOutcome Outcome, ReplicaSlot? Slot)> RunAsync(HeldMessage work, ReplicaSlot slot)
    {
        while (true)
        {
            work.ReplicaId = slot.ReplicaId;
            try
            {
                return (new CallOutcome(CallEnd.Completed, await CallAsync(work, slot)), slot);
            }
            catch (UpstreamUnreachableException e) when (work.Abortion == AbortReason.None)
            {
                logger.ReplicaUnreachable(api, slot.ReplicaId, e.Message);
                if (!replicas.TryExchangeUnreachable(ref slot))
                {
                    return (new CallOutcome(CallEnd.PutBack), null);
                }
            }
            catch (Exception e)
            {
                return (await JudgeAsync(work, slot, e), slot);
            }
        }
    }

    private async ValueTask<Body> CallAsync(HeldMessage work, ReplicaSlot slot)
    {
        var message = work.Message;
        await using var payload = message.Payload.Blob is { } blob ? await OpenPayloadAsync(blob, work) : null;
        var client = slot.Life.Client;
        await using var call = client.Call();
        work.Attach(call);
        try
        {
            await call.OpenAsync(client.Host);
            format.AddHeaders(call, message);
            await (payload is null ? call.SendAsync(message.Payload.Inline) : call.SendAsync(payload, message.Payload.Length));
            metrics.Record(call.Status, time.GetElapsedTime(work.Started));
            if (call.Status is < 200 or > 299)
            {
                // Its start is worth showing, but not worth waiting for long.
                work.Deadline = Math.Min(work.Deadline, time.GetTimestamp() + (long)(BadStatusReadTime.TotalSeconds * time.TimestampFrequency));
            }

            return await format.ReadAnswerAsync(call, work);
        }
        finally
        {
            work.Attach(null);
        }
    }

    private async ValueTask<Stream> OpenPayloadAsync(string blob, HeldMessage work)
    {
        await Task.Yield();   // files are not opened on a thread that serves sockets
        return await store.Blobs.OpenAsync(blob, work.Aborted) ?? throw new AttemptFailedException(FailureReason.PayloadMissing, $"the payload is gone from the blob store ({blob})");
    }

    private async ValueTask<CallOutcome> JudgeAsync(HeldMessage work, ReplicaSlot slot, Exception e)
    {
        switch (e)
        {
            case AttemptFailedException { Reason: FailureReason.PayloadMissing } failed:
                return new CallOutcome(CallEnd.FailedForGood, Attempt: Attempt(work, failed.Reason, failed.Message));
            case AttemptFailedException failed:
                var attempt = Attempt(work, failed.Reason, failed.Message, failed.Status, failed.Answer);
                return failed.MayBeCut ? await BrokenAsync(work, slot, failed.Message, attempt, failed.Kept ?? default) : new CallOutcome(CallEnd.Failed, failed.Kept ?? default, attempt);
            case OperationCanceledException or UpstreamUnreachableException when work.Abortion != AbortReason.None:
                return Aborted(work);
            case BadUpstreamAnswerException:
                return await BrokenAsync(work, slot, e.Message, Attempt(
                    work, FailureReason.BrokenAnswer, $"the container gave no whole answer: {e.Message}; see the logs of replica {slot.ReplicaId}"), default);
            case StoreFullException or StoreUnavailableException or StoreBusyException or RequestBodyException:
                // Neither the message's fault nor the replica's: the blob store takes no result or gives no payload.
                logger.BlobTrouble(api, work.Message.Lease.Id.ToString(), e.Message);
                await PauseAsync(work);
                return new CallOutcome(CallEnd.PutBack);
            default:
                logger.UnexpectedCallError(e, api, work.Message.Lease.Id.ToString());
                await PauseAsync(work);
                return new CallOutcome(CallEnd.PutBack);
        }
    }

    private CallOutcome Aborted(HeldMessage work) => work.Abortion switch
    {
        AbortReason.Revoked => new CallOutcome(CallEnd.Revoked),
        AbortReason.PutBack => new CallOutcome(CallEnd.PutBack),
        _ => new CallOutcome(CallEnd.Failed, Attempt: Attempt(
            work, FailureReason.Timeout, $"the attempt took longer than {work.Policy.Timeout.TotalSeconds:0.###} s, the API's queue.timeout")),
    };

    /// <summary>
    /// The news of a replica's death may come later than the end of its connections, and much later where the engine is
    /// slow. A replica that lives takes new connections: one that takes none is lost, whatever was heard of it.
    /// </summary>
    /// <param name="work">The message.</param>
    /// <param name="slot">Where it was called.</param>
    /// <param name="reason">What is wrong with the answer.</param>
    /// <param name="failure">The attempt, should the replica live.</param>
    /// <param name="kept">What is to be kept of the answer.</param>
    private async ValueTask<CallOutcome> BrokenAsync(HeldMessage work, ReplicaSlot slot, string reason, Attempt failure, Body kept)
    {
        try
        {
            await slot.Life.Ended.WaitAsync(options.ReplicaEndWait, time);
        }
        catch (TimeoutException)
        {
            if (await slot.Life.Client.IsListeningAsync(CancellationToken.None) && !slot.Life.Ended.IsCompleted)
            {
                return new CallOutcome(CallEnd.Failed, kept, failure);
            }
        }

        return new CallOutcome(CallEnd.Lost, kept, Attempt(work, FailureReason.ReplicaLost, slot.Life.Ended.IsCompleted
            ? $"replica {slot.ReplicaId} ended while it worked on the request ({reason})"
            : $"replica {slot.ReplicaId} takes no connections any more, and had the request ({reason})"));
    }

    /// <summary>Keeps the slot for a while, so that a store in trouble is not asked again and again, nor containers for nothing.</summary>
    private async ValueTask PauseAsync(HeldMessage work)
    {
        var pause = options.StorePause * 10;
        for (var i = 0; i < 10 && work.Abortion == AbortReason.None; i++)
        {
            await Task.Delay(pause / 10, time, CancellationToken.None);
        }
    }

    private Attempt Attempt(HeldMessage work, string reason, string message, int? status = null, string answer = "") => new()
    {
        Started = work.StartedAt,
        Ended = time.GetUtcNow(),
        Worker = work.ReplicaId,
        Reason = reason,
        Message = message.Length <= 1024 ? message : message[..1024],
        StatusCode = status,
        Answer = answer,
    };
}
