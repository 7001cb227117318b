using Microsoft.Extensions.Logging;

namespace Cortex.Gateway.Forwarding;

/// <summary>
/// Looks twice a second at everything that waits for a client, and ends what waits for too long. One timer for all, so that a
/// request costs none; a request that never waits for its client is never listed.
/// </summary>
internal sealed class PauseWatch : IDisposable
{
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(500);

    private readonly Lock _lock = new();
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly ITimer _timer;
    private readonly long _period;
    private Pause? _first;
    private long _now;

    public PauseWatch(TimeProvider time, ILogger logger)
    {
        (_time, _logger) = (time, logger);
        _period = (long)(Period.TotalSeconds * time.TimestampFrequency);
        _now = time.GetTimestamp();
        _timer = time.CreateTimer(static state => ((PauseWatch)state!).Look(), this, Period, Period);
    }

    /// <summary>A timestamp that is not in the past, without asking the clock.</summary>
    public long Soon => Volatile.Read(ref _now) + _period;

    public void Dispose() => _timer.Dispose();

    /// <summary>Lists a pause that begins.</summary>
    internal void Add(Pause pause)
    {
        lock (_lock)
        {
            (pause.Next, pause.Previous, pause.IsListed) = (_first, null, true);
            if (_first is not null)
            {
                _first.Previous = pause;
            }

            _first = pause;
        }
    }

    /// <summary>Takes a pause off the list. False when it was too long.</summary>
    internal bool TryRemove(Pause pause)
    {
        lock (_lock)
        {
            if (!pause.IsListed)
            {
                return false;
            }

            Unlist(pause);
            return true;
        }
    }

    private void Look()
    {
        var now = _time.GetTimestamp();
        Volatile.Write(ref _now, now);
        List<Pause>? over = null;
        lock (_lock)
        {
            for (var pause = _first; pause is not null;)
            {
                var next = pause.Next;
                if (pause.IsTooLong(_time, now))
                {
                    Unlist(pause);
                    (over ??= []).Add(pause);
                }

                pause = next;
            }
        }

        over?.ForEach(pause => pause.Interrupt(_logger));
    }

    private void Unlist(Pause pause)
    {
        if (pause.Previous is null)
        {
            _first = pause.Next;
        }
        else
        {
            pause.Previous.Next = pause.Next;
        }

        if (pause.Next is not null)
        {
            pause.Next.Previous = pause.Previous;
        }

        (pause.Next, pause.Previous, pause.IsListed) = (null, null, false);
    }
}
