namespace Cortex.Queues.Postgres;

/// <summary>Wakes the one loop that waits for it; set while nobody waits it is kept. Thread-safe.</summary>
internal sealed class Signal
{
    private readonly Lock _lock = new();
    private TaskCompletionSource? _waiting;
    private bool _isSet;

    public void Set()
    {
        lock (_lock)
        {
            _isSet = true;
            _waiting?.TrySetResult();
        }
    }

    /// <summary>Waits until it is set, and takes it back. False when it was not in time.</summary>
    public async Task<bool> WaitAsync(TimeSpan wait, CancellationToken cancellationToken)
    {
        await Listen().WaitAsync(wait, TimeProvider.System, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellationToken.ThrowIfCancellationRequested();
        return Take();
    }

    private Task Listen()
    {
        lock (_lock)
        {
            if (_isSet)
            {
                return Task.CompletedTask;
            }

            _waiting = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _waiting.Task;
        }
    }

    private bool Take()
    {
        lock (_lock)
        {
            var wasSet = _isSet;
            _isSet = false;
            _waiting = null;
            return wasSet;
        }
    }
}
