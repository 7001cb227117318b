namespace Cortex.Dispatch;

/// <summary>All work of one API: one sweep over it stands for a timer per message.</summary>
internal sealed class HeldMessages
{
    private readonly Lock _lock = new();
    private HeldMessage? _first;
    private TaskCompletionSource? _empty;

    public int Count { get; private set; }

    public void Add(HeldMessage work)
    {
        lock (_lock)
        {
            work.Next = _first;
            if (_first is not null)
            {
                _first.Previous = work;
            }

            _first = work;
            Count++;
        }
    }

    public void Remove(HeldMessage work)
    {
        lock (_lock)
        {
            if (work.Previous is { } previous)
            {
                previous.Next = work.Next;
            }
            else
            {
                _first = work.Next;
            }

            if (work.Next is { } next)
            {
                next.Previous = work.Previous;
            }

            (work.Next, work.Previous) = (null, null);
            if (--Count == 0)
            {
                _empty?.TrySetResult();
                _empty = null;
            }
        }
    }

    /// <summary>Completes when there is no work.</summary>
    public Task WhenEmpty()
    {
        lock (_lock)
        {
            return Count == 0 ? Task.CompletedTask : (_empty ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
    }

    /// <summary>Aborts what took too long or is no longer ours, and collects what has to be extended.</summary>
    /// <param name="now">The present timestamp.</param>
    /// <param name="extendBefore">What was extended last before this timestamp is extended.</param>
    /// <param name="extend">Gets the work to extend, marked as extended now.</param>
    public void Sweep(long now, long extendBefore, List<HeldMessage> extend)
    {
        List<(HeldMessage, AbortReason)>? aborts = null;
        lock (_lock)
        {
            for (var work = _first; work is not null; work = work.Next)
            {
                if (work.Abortion == AbortReason.None)
                {
                    if (work.Message.Revoked.IsCancellationRequested)
                    {
                        (aborts ??= []).Add((work, AbortReason.Revoked));
                    }
                    else if (now >= work.Deadline)
                    {
                        (aborts ??= []).Add((work, AbortReason.Timeout));
                    }
                }

                if (work.Extended <= extendBefore && !work.Message.Revoked.IsCancellationRequested)
                {
                    work.Extended = now;
                    extend.Add(work);
                }
            }
        }

        aborts?.ForEach(static abort => abort.Item1.Abort(abort.Item2));
    }

    /// <summary>Aborts all work, or that of one replica, and says how much there was.</summary>
    public int AbortAll(string? replicaId, AbortReason reason)
    {
        List<HeldMessage> all = [];
        lock (_lock)
        {
            for (var work = _first; work is not null; work = work.Next)
            {
                if (replicaId is null || work.ReplicaId == replicaId)
                {
                    all.Add(work);
                }
            }
        }

        all.ForEach(work => work.Abort(reason));
        return all.Count;
    }
}
