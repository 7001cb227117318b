using Cortex.Background;
using Cortex.Runtimes;

namespace Cortex.Jobs.Loop;

/// <summary>Makes a loop look again: when it is told to, when time is up, when a pod has changed.</summary>
internal sealed class WakeSignal(TimeProvider time)
{
    private readonly Bell _bell = new();

    /// <summary>Makes the loop look soon.</summary>
    public void Wake() => _bell.Ring();

    /// <summary>Waits to be told, at most until a moment.</summary>
    public async Task WaitAsync(DateTimeOffset until, CancellationToken cancellationToken)
    {
        // A timer that is early by a fraction of a millisecond would only look once more.
        var left = until - time.GetUtcNow() + TimeSpan.FromMilliseconds(1);
        await _bell.WaitAsync(left > TimeSpan.Zero ? left : TimeSpan.FromMilliseconds(1), time, cancellationToken);
    }

    /// <summary>Wakes whenever a pod has changed, until cancelled.</summary>
    /// <param name="runtime">Whose pods.</param>
    /// <param name="pause">Pause before watching again.</param>
    /// <param name="onLost">Told when sight of the changes was lost.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task FollowAsync(IContainerRuntime runtime, TimeSpan pause, Action<Exception> onLost, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await foreach (var _ in runtime.WatchAsync(cancellationToken))
                {
                    Wake();
                }
            }
            catch (Exception exception) when (exception is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
            {
                onLost(exception);
            }

            await Task.Delay(pause, time, cancellationToken);
        }
    }
}
