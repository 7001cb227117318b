namespace Cortex.Gateway.Replicas;

/// <summary>Calls back once when nothing has moved for a while.</summary>
internal sealed class IdleWatch : IDisposable
{
    private readonly TimeSpan _limit;
    private readonly Action _onIdle;
    private readonly ITimer _timer;

    public IdleWatch(TimeSpan limit, TimeProvider time, Action onIdle)
    {
        _limit = limit;
        _onIdle = onIdle;
        _timer = time.CreateTimer(static state => ((IdleWatch)state!).Fire(), this, limit, Timeout.InfiniteTimeSpan);
    }

    public bool HasFired { get; private set; }

    public void Touch() => _timer.Change(_limit, Timeout.InfiniteTimeSpan);

    public void Dispose() => _timer.Dispose();

    private void Fire()
    {
        HasFired = true;
        _onIdle();
    }
}
