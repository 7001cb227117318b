using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Cortex.Background;

/// <summary>Starts what its owner runs in the background, keeps it alive, and ends it.</summary>
/// <remarks>
/// <para>
/// Every loop of the server is started by <see cref="StartLoop"/>, and everything that nobody awaits by <see cref="Start"/>. An owner has one
/// of these and ends it when it ends itself:
/// </para>
/// <code>
/// _background = new BackgroundWork(logger, time);
/// _background.StartLoop("sweeper", SweepAsync);
/// ...
/// await _background.DisposeAsync();
/// </code>
/// <para>
/// A loop that ends by an error begins anew after a pause, so what it needs to go on must be in fields, not in its locals. One
/// that can't go on after an error must say so: <see cref="ProcessEnd.Crash"/>.
/// </para>
/// </remarks>
/// <param name="logger">Told of errors. What it throws itself is ignored.</param>
/// <param name="time">The clock of the pauses.</param>
/// <param name="patience">How long what is told to end is waited for; default 30 s.</param>
public sealed partial class BackgroundWork(ILogger logger, TimeProvider time, TimeSpan? patience = null) : IAsyncDisposable
{
    private static readonly Backoff _pauses = new(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30));

    // One that ran for so long did not fail because of what made it fail before.
    private static readonly TimeSpan _healthy = TimeSpan.FromMinutes(1);

    // Work that does not hear that it is to end must not keep the process from ending.
    private readonly TimeSpan _patience = patience ?? TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<long, Running> _running = new();
    private readonly CancellationTokenSource _stop = new();
    private long _lastId;
    private int _ended;

    /// <summary>Cancelled when everything is to end.</summary>
    public CancellationToken Stopping => _stop.Token;

    /// <summary>Whether nothing runs.</summary>
    public bool IsIdle => _running.IsEmpty;

    /// <summary>Runs a loop until it returns, or is told to end. After an error it begins anew, after a pause that grows from 1 to 30 s.</summary>
    /// <param name="name">What it is, for people who read the log: "the reconciler".</param>
    /// <param name="loop">Runs until its token is cancelled. Returning earlier ends it for good.</param>
    public void StartLoop(string name, Func<CancellationToken, Task> loop)
    {
        ArgumentNullException.ThrowIfNull(loop);
        Begin(name, () => KeepAliveAsync(name, loop));
    }

    /// <summary>Runs something once that nobody awaits. An error is logged.</summary>
    /// <param name="name">What it is, for people who read the log.</param>
    /// <param name="work">What to do; its token is cancelled when everything is to end.</param>
    public void Start(string name, Func<CancellationToken, Task> work)
    {
        ArgumentNullException.ThrowIfNull(work);
        Begin(name, () => RunAsync(name, work));
    }

    /// <summary>Keeps an eye on work that has begun and that nobody awaits. An error is logged.</summary>
    /// <param name="name">What it is, for people who read the log.</param>
    /// <param name="work">What was begun; ends soon after <see cref="Stopping"/>.</param>
    public void Follow(string name, Task work)
    {
        ArgumentNullException.ThrowIfNull(work);
        if (!work.IsCompletedSuccessfully)
        {
            Begin(name, () => RunAsync(name, _ => work));
        }
    }

    /// <summary>Tells everything to end, and returns when it has; what does not end in time is named in the log and left behind.</summary>
    /// <remarks>More may be started while this waits: by what ends, to tidy up. It is told to end from the start.</remarks>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _ended, 1) != 0)
        {
            return;
        }

        try
        {
            await _stop.CancelAsync();
        }
        catch (AggregateException exception)
        {
            Say(() => LogFailed(exception, "telling it to end"));
        }

        using var bound = new CancellationTokenSource(_patience, time);
        await WhenIdleAsync(bound.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

        foreach (var left in _running.Values)
        {
            Say(() => LogLeft(left.Name));
        }
    }

    /// <summary>Returns when nothing runs; without <see cref="Stopping"/>, loops run for ever.</summary>
    public async Task WhenIdleAsync(CancellationToken cancellationToken)
    {
        while (!_running.IsEmpty)
        {
            await Task.WhenAll(_running.Values.Select(each => each.Task)).WaitAsync(cancellationToken);
        }
    }

    private void Begin(string name, Func<Task> work)
    {
        var id = Interlocked.Increment(ref _lastId);
        var cold = new Task<Task>(async () =>
        {
            try
            {
                await work();
            }
            finally
            {
                _running.TryRemove(id, out _);
            }
        });
        _running[id] = new Running(name, cold.Unwrap());
        cold.Start(TaskScheduler.Default);
    }

    private async Task KeepAliveAsync(string name, Func<CancellationToken, Task> loop)
    {
        var pause = _pauses.First;
        while (true)
        {
            var began = time.GetTimestamp();
            try
            {
                await loop(_stop.Token);
                return;
            }
            catch (Exception) when (_stop.IsCancellationRequested)
            {
                // It is to end, and whatever it used may have ended before it.
                return;
            }
            catch (Exception exception)
            {
                pause = time.GetElapsedTime(began) >= _healthy ? _pauses.First : pause;
                var jittered = Backoff.Jittered(pause, Random.Shared.NextDouble());
                Say(() => LogLoopFailed(exception, name, jittered.TotalSeconds));
                await Task.Delay(jittered, time, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                pause = _pauses.Next(pause);
            }
        }
    }

    private async Task RunAsync(string name, Func<CancellationToken, Task> work)
    {
        try
        {
            await work(_stop.Token);
        }
        catch (Exception) when (_stop.IsCancellationRequested)
        {
            // As above.
        }
        catch (Exception exception)
        {
            Say(() => LogFailed(exception, name));
        }
    }

    // A log that fails must not end what it tells of.
    private static void Say(Action log)
    {
        try
        {
            log();
        }
        catch (Exception)
        {
            // There is nobody left to tell.
        }
    }

    private readonly record struct Running(string Name, Task Task);

    [LoggerMessage(9001, LogLevel.Error, "{Name} ended by an error; it begins anew in {Seconds:0.0} s.")]
    private partial void LogLoopFailed(Exception exception, string name, double seconds);

    [LoggerMessage(9002, LogLevel.Error, "{Name} failed.")]
    private partial void LogFailed(Exception exception, string name);

    [LoggerMessage(9003, LogLevel.Warning, "{Name} did not end when it was told to; it is left behind.")]
    private partial void LogLeft(string name);
}
