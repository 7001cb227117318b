using Cortex.Background;
using Cortex.Queues;
using Microsoft.Extensions.Logging;

namespace Cortex.Async;

/// <summary>Brings the store's queues to what is wanted of them, in the background and until it succeeds.</summary>
internal sealed class QueueSetup(IQueueStore store, TimeProvider time, ILogger logger)
{
    private static readonly Backoff Pauses = new(TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(5));
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Wish> _wishes = new(StringComparer.Ordinal);
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Wants a queue to be in use; <paramref name="done"/> is called when it is, unless something else was wanted since.</summary>
    public void Configure(string queue, QueueSettings settings, Action done) =>
        Want(queue, new Wish(cancellationToken => store.ConfigureAsync(queue, settings, cancellationToken), done));

    /// <summary>Wants a queue to be out of use.</summary>
    public void Retire(string queue) => Want(queue, new Wish(cancellationToken => store.RetireAsync(queue, cancellationToken), static () => { }));

    /// <summary>Works until it is stopped.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        var pause = TimeSpan.Zero;
        while (!stop.IsCancellationRequested)
        {
            var (wishes, changed) = Pending();
            var failed = false;
            foreach (var (queue, wish) in wishes)
            {
                failed |= !await TryAsync(queue, wish, stop);
            }

            pause = failed ? Pauses.Next(pause) : TimeSpan.Zero;
            await (failed ? Task.Delay(pause, time, stop) : changed.WaitAsync(stop)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<bool> TryAsync(string queue, Wish wish, CancellationToken stop)
    {
        try
        {
            await wish.Fulfil(stop);
            if (Remove(queue, wish))
            {
                wish.Done();
            }

            return true;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return true;
        }
        catch (Exception e)
        {
            logger.ConfigureTrouble(queue, e.Message);
            return false;
        }
    }

    private void Want(string queue, Wish wish)
    {
        lock (_lock)
        {
            _wishes[queue] = wish;
            _changed.TrySetResult();
        }
    }

    private (KeyValuePair<string, Wish>[] Wishes, Task Changed) Pending()
    {
        lock (_lock)
        {
            _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return ([.. _wishes], _changed.Task);
        }
    }

    private bool Remove(string queue, Wish wish)
    {
        lock (_lock)
        {
            return _wishes.TryGetValue(queue, out var present) && ReferenceEquals(present, wish) && _wishes.Remove(queue);
        }
    }

    private sealed record Wish(Func<CancellationToken, Task> Fulfil, Action Done);
}
