using Microsoft.Extensions.Logging;

namespace Cortex.Gateway.Forwarding;

/// <summary>A wait for one client that must not take too long. Reused from wait to wait; one at a time.</summary>
/// <param name="watch">Looks at it.</param>
/// <param name="limit">How long the wait may take; asked again and again while it lasts. Must not block.</param>
/// <param name="hasMoved">Whether the client has moved since it was asked last, so that the wait begins anew. Must not block.</param>
/// <param name="interrupt">Makes what is waited for end.</param>
internal sealed class Pause(PauseWatch watch, Func<TimeSpan> limit, Func<bool> hasMoved, Action interrupt)
{
    private long _since;
    private TaskCompletionSource _interrupted = Fresh();

    // The watch's list.
    internal Pause? Next { get; set; }

    internal Pause? Previous { get; set; }

    internal bool IsListed { get; set; }

    /// <summary>Begins to wait.</summary>
    public void Begin()
    {
        _since = watch.Soon;
        watch.Add(this);
    }

    /// <summary>Lets a wait that may be in progress begin anew.</summary>
    public void Touch() => Volatile.Write(ref _since, watch.Soon);

    /// <summary>Ends the wait. True when it took too long: then it has been interrupted, and no word of that can come later.</summary>
    public ValueTask<bool> EndAsync() =>
        watch.TryRemove(this) ? ValueTask.FromResult(false) : AwaitInterruptAsync();

    internal bool IsTooLong(TimeProvider time, long now)
    {
        if (hasMoved())
        {
            Volatile.Write(ref _since, now);
            return false;
        }

        return time.GetElapsedTime(Volatile.Read(ref _since), now) >= limit();
    }

    internal void Interrupt(ILogger logger)
    {
        try
        {
            interrupt();
        }
        catch (Exception e)
        {
            logger.InterruptFailed(e);   // an error here would end the process
        }
        finally
        {
            _interrupted.SetResult();
        }
    }

    private static TaskCompletionSource Fresh() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private async ValueTask<bool> AwaitInterruptAsync()
    {
        await _interrupted.Task;
        _interrupted = Fresh();
        return true;
    }
}
