namespace Cortex.Background;

/// <summary>A token that is cancelled with another one, or when a time is up by an injected clock.</summary>
/// <remarks>In place of a linked source with a time of its own, which would go by the system's clock.</remarks>
public sealed class TimeLimit : IDisposable
{
    private readonly CancellationTokenSource _source;
    private readonly CancellationTokenRegistration _registration;
    private readonly CancellationToken _outer;

    /// <summary>Begins with a limit.</summary>
    /// <param name="limit">The time; <see cref="Timeout.InfiniteTimeSpan"/> for none until <see cref="Restart"/>.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Cancels the token, too.</param>
    public TimeLimit(TimeSpan limit, TimeProvider time, CancellationToken cancellationToken)
    {
        _source = new CancellationTokenSource(limit, time);
        _outer = cancellationToken;
        _registration = cancellationToken.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), _source);
    }

    /// <summary>The token.</summary>
    public CancellationToken Token => _source.Token;

    /// <summary>Whether the token was cancelled because the time was up.</summary>
    public bool IsOver => _source.IsCancellationRequested && !_outer.IsCancellationRequested;

    /// <summary>Begins anew, as long as the token is not cancelled.</summary>
    /// <param name="limit">The time from now; <see cref="Timeout.InfiniteTimeSpan"/> lifts the limit.</param>
    public void Restart(TimeSpan limit)
    {
#pragma warning disable RS0030 // The source goes by the clock that it was made with.
        _source.CancelAfter(limit);
#pragma warning restore RS0030
    }

    /// <summary>Ends the time now.</summary>
    public void End() => _source.Cancel();

    /// <inheritdoc/>
    public void Dispose()
    {
        _registration.Dispose();
        _source.Dispose();
    }
}
