using Cortex.Queues;
using Microsoft.Extensions.Logging;

namespace Cortex.Dispatch;

/// <summary>One timer for all calls in progress: ends those that take too long or were cancelled, and extends the leases of the others.</summary>
public sealed class CallKeeper : IAsyncDisposable
{
    private readonly IQueueStore _store;
    private readonly DispatchOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Func<IEnumerable<Dispatcher>> _dispatchers;
    private readonly ITimer _timer;
    private readonly long _extendAfter;
    private readonly long _closeIdleAfter;
    private long _closedIdle;
    private int _sweeping;

    /// <summary>Makes one that does not run yet.</summary>
    public CallKeeper(IQueueStore store, DispatchOptions options, TimeProvider time, ILogger logger, Func<IEnumerable<Dispatcher>> dispatchers)
    {
        (_store, _options, _time, _logger, _dispatchers) = (store, options, time, logger, dispatchers);
        _extendAfter = Ticks(options.Visibility / 3);
        _closeIdleAfter = Ticks(options.Connections.UpstreamIdleTimeout / 2);
        _timer = time.CreateTimer(static state => ((CallKeeper)state!).Sweep(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Begins.</summary>
    public void Start() => _timer.Change(_options.SweepInterval, _options.SweepInterval);

    /// <summary>Stops; a sweep in progress has ended then.</summary>
    public ValueTask DisposeAsync() => _timer.DisposeAsync();

    private long Ticks(TimeSpan span) => (long)(span.TotalSeconds * _time.TimestampFrequency);

    private void Sweep()
    {
        if (Interlocked.Exchange(ref _sweeping, 1) != 0)
        {
            return;   // the machine is busy; the sweep before is still at it
        }

        try
        {
            var now = _time.GetTimestamp();
            var closeIdle = now - _closedIdle >= _closeIdleAfter;
            List<HeldMessage> extend = [];
            foreach (var dispatcher in _dispatchers())
            {
                dispatcher.Sweep(now, now - _extendAfter, extend);
                if (closeIdle)
                {
                    dispatcher.CloseIdle();
                }
            }

            _closedIdle = closeIdle ? now : _closedIdle;
            if (extend.Count > 0)
            {
                _ = ExtendAsync(extend);
            }
        }
        finally
        {
            Volatile.Write(ref _sweeping, 0);
        }
    }

    private async Task ExtendAsync(List<HeldMessage> works)
    {
        try
        {
            await _store.ExtendAsync(works.ConvertAll(static work => work.Message.Lease), _options.Visibility, CancellationToken.None);
        }
        catch (Exception e)
        {
            _logger.ExtendTrouble(works.Count, e.Message);
            var again = _time.GetTimestamp() - _extendAfter + _time.TimestampFrequency;   // in a second
            works.ForEach(work => work.Extended = again);
        }
    }
}
