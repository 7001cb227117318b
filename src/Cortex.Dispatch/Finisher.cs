using Cortex.Queues;
using Microsoft.Extensions.Logging;

namespace Cortex.Dispatch;

/// <summary>
/// Tells the store what became of a message. While the store is in trouble it is told again for a bounded time; then the message comes back when its lease
/// ends: it is worked on twice rather than lost.
/// </summary>
internal sealed class Finisher(string api, string queue, IQueueStore store, DispatchOptions options, TimeProvider time, ILogger logger)
{
    /// <summary>Never throws.</summary>
    /// <param name="work">The message.</param>
    /// <param name="outcome">What became of it.</param>
    /// <param name="stop">Ends the repetitions.</param>
    /// <returns>Whether the message is final by that.</returns>
    public async Task<MessageFate> FinishAsync(HeldMessage work, CallOutcome outcome, CancellationToken stop)
    {
        if (outcome.End == CallEnd.Revoked)
        {
            return MessageFate.Unfinished;
        }

        var begin = time.GetTimestamp();
        var pause = options.StorePause;
        var unknown = false;
        while (true)
        {
            try
            {
                var (taken, fate) = await TellAsync(work, outcome, stop);
                if (outcome.Result.Blob is { } blob && !(taken && fate is MessageFate.Completed or MessageFate.Failed))
                {
                    await DeleteUnusedAsync(work, blob, unknown);
                }

                return taken ? fate : unknown ? MessageFate.Unknown : MessageFate.Unfinished;
            }
            catch (Exception e) when (e is StoreFullException or StoreBusyException or StoreUnavailableException)
            {
                unknown |= e is StoreUnavailableException;
                if (time.GetElapsedTime(begin) >= options.StoreRetryTime || stop.IsCancellationRequested)
                {
                    logger.OutcomeNotStored(api, work.Message.Lease.Id.ToString(), outcome.End.ToString(), e.Message);
                    return unknown ? MessageFate.Unknown : MessageFate.Unfinished;
                }

                logger.StoreTrouble(api, work.Message.Lease.Id.ToString(), e.Message);
            }
            catch (Exception e)
            {
                // Its queue was deleted, or the service stops.
                logger.OutcomeNotStored(api, work.Message.Lease.Id.ToString(), outcome.End.ToString(), e.Message);
                return MessageFate.Unknown;
            }

            await Task.Delay(pause, time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            pause = options.StorePauses.Next(pause);
        }
    }

    private async ValueTask<(bool Taken, MessageFate Fate)> TellAsync(HeldMessage work, CallOutcome outcome, CancellationToken stop)
    {
        var message = work.Message;
        switch (outcome.End)
        {
            case CallEnd.Completed:
                return (await store.CompleteAsync(message.Lease, outcome.Result, stop), MessageFate.Completed);
            case CallEnd.Failed:
                var retryAfter = RetryRule.AfterFailure(work.Policy, message.FailedAttempts, Random.Shared.NextDouble());
                return (await store.FailAsync(message.Lease, outcome.Attempt!, retryAfter, retryAfter is null && outcome.Result.Length > 0 ? outcome.Result : null, stop), retryAfter is null ? MessageFate.Failed : MessageFate.Unfinished);
            case CallEnd.FailedForGood:
                return (await store.FailAsync(message.Lease, outcome.Attempt!, retryAfter: null, answer: null, stop), MessageFate.Failed);
            case CallEnd.Lost:
                return RetryRule.AfterLoss(work.Policy, message.LostAttempts, Random.Shared.NextDouble()) is { } pause
                    ? (await store.LoseAsync(message.Lease, outcome.Attempt!, pause, stop), MessageFate.Unfinished)
                    : (await store.FailAsync(message.Lease, outcome.Attempt!, retryAfter: null, answer: null, stop), MessageFate.Lost);
            default:
                await store.ReleaseAsync(message.Lease, stop);
                return (true, MessageFate.Unfinished);
        }
    }

    /// <summary>A result that was refused is nobody's, unless an earlier try to store it succeeded without our knowledge.</summary>
    private async ValueTask DeleteUnusedAsync(HeldMessage work, string blob, bool unknown)
    {
        try
        {
            if (unknown && await store.GetAsync(queue, work.Message.Lease.Id, CancellationToken.None) is { } record && (record.Result ?? record.Answer)?.Blob == blob)
            {
                return;
            }

            await store.Blobs.DeleteAsync(blob, CancellationToken.None);
        }
        catch (Exception e)
        {
            logger.BlobNotDeleted(api, blob, e.Message);
        }
    }
}
