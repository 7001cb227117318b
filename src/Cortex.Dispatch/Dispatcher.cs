using System.Diagnostics.CodeAnalysis;
using Cortex.Queues;
using Cortex.Routing;
using Microsoft.Extensions.Logging;

namespace Cortex.Dispatch;

/// <summary>
/// Works off one queue, such as that of an API. One loop waits for messages while replicas have free slots; each message goes on by itself, and when its answer was read its slot is
/// used for the next message at once, while the store commits the result.
/// </summary>
[SuppressMessage("Reliability", "CA1001:Types that own disposable fields should be disposable", Justification = "Sources without timers and handles hold nothing to free.")]
public sealed class Dispatcher
{
    private static readonly TimeSpan LeaseWait = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan EmptyPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan PutBackTime = TimeSpan.FromSeconds(10);
    private readonly string _api;
    private readonly string _queue;
    private readonly IQueueStore _store;
    private readonly DispatchOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly ReplicaSet _replicas;
    private readonly Action<MessageEnd>? _onEnd;
    private readonly int _maxFinishing;
    private readonly HeldMessages _work = new();
    private readonly Caller _caller;
    private readonly Finisher _finisher;
    private readonly CancellationTokenSource _giveUp = new();
    private readonly Lock _lock = new();
    private QueuePolicy _policy = new();
    private CancellationTokenSource? _leasing;
    private TaskCompletionSource? _parked;
    private int _finishing;

    /// <summary>Makes one that takes no messages yet.</summary>
    /// <param name="api">What the queue is called in logs: the API's name.</param>
    /// <param name="queue">The queue.</param>
    /// <param name="store">Keeps it.</param>
    /// <param name="format">What requests and answers look like.</param>
    /// <param name="options">How messages are brought to replicas.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Where to log.</param>
    /// <param name="onEnd">Told of each message that is final, once the store has it so; from any thread; must not block or throw.</param>
    public Dispatcher(
        string api, string queue, IQueueStore store, ICallFormat format, DispatchOptions options, TimeProvider time, ILogger logger, Action<MessageEnd>? onEnd = null)
    {
        _api = api;
        _queue = queue;
        _store = store;
        _options = options;
        _time = time;
        _logger = logger;
        _onEnd = onEnd;
        _maxFinishing = format.MaxFinishing;
        _replicas = new ReplicaSet(options.Connections, time);
        _caller = new Caller(api, _replicas, store, format, options, Metrics, time, logger);
        _finisher = new Finisher(api, queue, store, options, time, logger);
    }

    /// <summary>How fast replicas answer.</summary>
    public DispatchMetrics Metrics { get; } = new();

    /// <summary>Whether nothing is in progress.</summary>
    public bool IsIdle => _work.Count == 0 && _replicas.IsIdle;

    private bool CanLease => _replicas.HasFree && Volatile.Read(ref _finishing) < MaxFinishing;

    private int MaxFinishing => Math.Max(_maxFinishing, _replicas.Slots);

    /// <summary>Swaps the replicas, their limit and the policy.</summary>
    public void Apply(IReadOnlyList<ReplicaAddress> replicas, int maxConcurrency, QueuePolicy policy)
    {
        Volatile.Write(ref _policy, policy);
        _replicas.Apply(replicas, maxConcurrency);
        Wake();
    }

    /// <summary>Begins to take messages; the queue has been configured. Once is enough.</summary>
    public void Start()
    {
        CancellationToken stop;
        lock (_lock)
        {
            if (_leasing is not null)
            {
                return;
            }

            _leasing = new CancellationTokenSource();
            stop = _leasing.Token;
        }

        _ = PumpAsync(stop);
    }

    /// <summary>Takes no more messages. Calls in progress go on.</summary>
    public void Stop()
    {
        CancellationTokenSource? leasing;
        lock (_lock)
        {
            (leasing, _leasing) = (_leasing, null);
        }

        leasing?.Cancel();
    }

    /// <summary>
    /// Completes when no call is in progress on the replica, which was taken away before. What is in progress after <paramref name="grace"/> is
    /// aborted and put back into the queue first.
    /// </summary>
    public async Task DrainAsync(string replicaId, TimeSpan grace, CancellationToken cancellationToken)
    {
        var drained = _replicas.WhenDrained(replicaId);
        try
        {
            await drained.WaitAsync(grace, _time, cancellationToken);
            return;
        }
        catch (TimeoutException)
        {
            _logger.PutBack(replicaId, _work.AbortAll(replicaId, AbortReason.PutBack));
        }

        try
        {
            await drained.WaitAsync(PutBackTime, _time, cancellationToken);
        }
        catch (TimeoutException)
        {
            // The store does not answer; the messages come back when their leases end.
        }
    }

    /// <summary>Stops, lets calls in progress end within the stop time, and puts the others back.</summary>
    public Task StopAsync() => StopAsync(_options.StopTime);

    /// <summary>As <see cref="StopAsync()"/>, with another time for calls in progress; zero aborts them at once.</summary>
    public async Task StopAsync(TimeSpan stopTime)
    {
        Stop();
        if (await EndsWithinAsync(stopTime))
        {
            return;
        }

        _work.AbortAll(replicaId: null, AbortReason.PutBack);
        if (!await EndsWithinAsync(PutBackTime))
        {
            await _giveUp.CancelAsync();   // the store does not answer; the messages come back when their leases end
            await EndsWithinAsync(PutBackTime);
        }
    }

    /// <summary>Looks after calls in progress and idle connections.</summary>
    /// <param name="now">The present timestamp.</param>
    /// <param name="extendBefore">Leases that were extended last before this timestamp are to be extended.</param>
    /// <param name="extend">Gets them.</param>
    internal void Sweep(long now, long extendBefore, List<HeldMessage> extend)
    {
        _work.Sweep(now, extendBefore, extend);
        if (Volatile.Read(ref _parked) is not null && CanLease)
        {
            Wake();   // a replica that could not be reached may be tried again
        }
    }

    /// <summary>Closes connections that were unused for too long.</summary>
    internal void CloseIdle() => _replicas.CloseIdle();

    private async Task<bool> EndsWithinAsync(TimeSpan limit)
    {
        try
        {
            await _work.WhenEmpty().WaitAsync(limit, _time);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    private async Task PumpAsync(CancellationToken stop)
    {
        var pause = _options.StorePause;
        while (!stop.IsCancellationRequested)
        {
            try
            {
                if (!CanLease)
                {
                    await ParkAsync(stop);
                    continue;
                }

                var begin = _time.GetTimestamp();
                var message = await _store.LeaseAsync(_queue, _options.Visibility, LeaseWait, stop);
                pause = _options.StorePause;
                if (message is not null)
                {
                    Take(message);
                }
                else if (_time.GetElapsedTime(begin) < EmptyPause)
                {
                    await Task.Delay(EmptyPause, _time, stop);   // another server has retired the queue
                }
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                _logger.LeaseTrouble(_api, e.Message);
                await Task.Delay(pause, _time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                pause = _options.StorePauses.Next(pause);
            }
        }
    }

    private async Task ParkAsync(CancellationToken stop)
    {
        var parked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Interlocked.Exchange(ref _parked, parked);
        if (!CanLease)
        {
            await parked.Task.WaitAsync(stop);
        }
    }

    private void Wake() => Interlocked.Exchange(ref _parked, null)?.TrySetResult();

    /// <summary>Sends a message on its way; returns as soon as it waits for something.</summary>
    private void Take(LeasedMessage message)
    {
        var work = Begin(message);
        _ = _replicas.TryTake(out var slot) ? WorkAsync(work, slot) : PutBackAsync(work);
    }

    private HeldMessage Begin(LeasedMessage message)
    {
        var policy = Volatile.Read(ref _policy);
        var now = _time.GetTimestamp();
        var deadline = policy.Timeout == Timeout.InfiniteTimeSpan ? long.MaxValue : now + (long)(policy.Timeout.TotalSeconds * _time.TimestampFrequency);
        var work = new HeldMessage(message, policy, now, deadline, _time.GetUtcNow());
        _work.Add(work);
        return work;
    }

    /// <summary>The last free replica left while we waited for the message.</summary>
    private Task PutBackAsync(HeldMessage work) => FinishAsync(work, new CallOutcome(CallEnd.PutBack));

    private async Task WorkAsync(HeldMessage? work, ReplicaSlot first)
    {
        ReplicaSlot? held = first;
        while (work is not null)
        {
            (var outcome, held) = await _caller.RunAsync(work, held.Value);
            var finished = FinishAsync(work, outcome);
            if (outcome.End != CallEnd.Completed || Volatile.Read(ref _finishing) >= MaxFinishing)
            {
                await finished;   // a drain ends when this slot is free: what is put back has to be in the queue by then
            }

            if (held is not { } slot || !_replicas.TryExchange(ref slot))
            {
                break;
            }

            held = slot;
            if (await TryLeaseAsync() is not { } message)
            {
                _replicas.Release(slot);
                break;
            }

            work = Begin(message);
        }

        Wake();
    }

    /// <summary>Null when there is no message at once, or none is to be taken; the loop sees to troubles.</summary>
    private async ValueTask<LeasedMessage?> TryLeaseAsync()
    {
        if (Leasing() is not { IsCancellationRequested: false } stop)
        {
            return null;
        }

        try
        {
            return await _store.LeaseAsync(_queue, _options.Visibility, TimeSpan.Zero, stop);
        }
        catch (Exception)
        {
            return null;
        }
    }

    private CancellationToken? Leasing()
    {
        lock (_lock)
        {
            return _leasing?.Token;
        }
    }

    private async Task FinishAsync(HeldMessage work, CallOutcome outcome)
    {
        Interlocked.Increment(ref _finishing);
        var took = _onEnd is null ? default : _time.GetElapsedTime(work.Started);
        try
        {
            var fate = await _finisher.FinishAsync(work, outcome, _giveUp.Token);
            if (fate != MessageFate.Unfinished)
            {
                _onEnd?.Invoke(new MessageEnd(fate, took));
            }
        }
        catch (Exception e)
        {
            // The slot must come free whatever a listener does.
            _logger.UnexpectedCallError(e, _api, work.Message.Lease.Id.ToString());
        }

        _work.Remove(work);
        Interlocked.Decrement(ref _finishing);
        if (Volatile.Read(ref _parked) is not null)
        {
            Wake();
        }
    }
}
