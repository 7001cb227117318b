using System.Threading.Channels;

namespace Cortex.Background;

/// <summary>Makes a loop look again. It stays rung until it is heard, and however often it was rung until then, that is heard once. Thread-safe.</summary>
public sealed class Bell
{
    private readonly Channel<bool> _rings = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    /// <summary>Ends the wait of one who listens, or else the next wait.</summary>
    public void Ring() => _rings.Writer.TryWrite(true);

    /// <summary>Ends when the bell is or has been rung since it was last heard.</summary>
    public async Task WaitAsync(CancellationToken cancellationToken) => await _rings.Reader.ReadAsync(cancellationToken);

    /// <summary>The same, but not for longer than a time. False when that is up.</summary>
    /// <param name="atMost">Not negative, or <see cref="Timeout.InfiniteTimeSpan"/>; in whole milliseconds, rounded up.</param>
    /// <param name="time">The clock that it goes by.</param>
    /// <param name="cancellationToken">Ends the wait with an error.</param>
    public async Task<bool> WaitAsync(TimeSpan atMost, TimeProvider time, CancellationToken cancellationToken)
    {
        // A wait that ended a fraction early would only be begun again.
        using var limit = new TimeLimit(TimeSpan.FromMilliseconds(Math.Ceiling(atMost.TotalMilliseconds)), time, cancellationToken);
        do
        {
            if (_rings.Reader.TryRead(out _))
            {
                return true;
            }

            await ((Task)_rings.Reader.WaitToReadAsync(limit.Token).AsTask()).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            cancellationToken.ThrowIfCancellationRequested();
        }
        while (!limit.IsOver);

        return _rings.Reader.TryRead(out _);
    }

    /// <summary>Forgets a ring that nobody has heard.</summary>
    public void Reset() => _rings.Reader.TryRead(out _);
}
