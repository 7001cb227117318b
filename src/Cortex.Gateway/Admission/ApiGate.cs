using System.Diagnostics.CodeAnalysis;
using Cortex.Gateway.Replicas;
using Cortex.Gateway.Routing;
using Cortex.Routing;

namespace Cortex.Gateway.Admission;

/// <summary>
/// One API's slots and its one queue. A request takes a free slot of the least loaded ready replica, else waits in
/// arrival order; no replica ever holds more than <see cref="RealtimeRoute.MaxConcurrency"/> requests. With no replica at all
/// it waits in a queue before that one, and wakes the API, where that is wanted.
/// </summary>
/// <remarks>
/// Thread-safe. With a slot free and nobody waiting, entering completes synchronously and allocates nothing. Waiters
/// are woken outside the lock.
/// </remarks>
internal sealed class ApiGate : RoutedApi, IDisposable
{
    private static readonly TimeSpan SignalInterval = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly TimeProvider _time;
    private readonly AdmissionLimits _limits;
    private readonly UpstreamConnector _connector;
    private readonly WakeDemand _demand;
    private readonly Dictionary<string, Replica> _replicas = new(StringComparer.Ordinal);
    private readonly WaiterQueue _queue = new();
    private readonly WaiterQueue _sleeping = new();   // empty while a replica is ready
    private readonly ITimer _timer;
    private Replica[] _ready = [];
    private RealtimeRoute _route;
    private long _timerDue = long.MaxValue;
    private long _lastSkipEnd;
    private long _signalDue;
    private int _cursor;
    private int _inFlight;
    private bool _removed;

    public ApiGate(RealtimeRoute route, AdmissionLimits limits, UpstreamConnector connector, WakeDemand demand, TimeProvider time)
        : base(route.Name)
    {
        _route = route;
        _limits = limits;
        _connector = connector;
        _demand = demand;
        _time = time;
        _timer = time.CreateTimer(static state => ((ApiGate)state!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        Apply(route);
    }

    public override string Kind => "RealtimeAPI";

    /// <summary>As the route has it.</summary>
    public TimeSpan? ClientIdleTimeout => _route.ClientIdleTimeout;

    /// <summary>As the route has it.</summary>
    public TimeSpan? StreamIdleTimeout => _route.StreamIdleTimeout;

    public ApiTraffic Traffic
    {
        get
        {
            lock (_lock)
            {
                return new ApiTraffic(_inFlight, _queue.Count + _sleeping.Count);
            }
        }
    }

    /// <summary>Takes a slot, waits for one, or says why there is none. <see cref="WakeAsync"/> follows where the API sleeps.</summary>
    public ValueTask<AdmissionResult> EnterAsync(CancellationToken cancellationToken)
    {
        Waiter waiter;
        lock (_lock)
        {
            if (_removed)
            {
                return Refused(AdmissionOutcome.ApiRemoved);
            }

            if (_ready.Length == 0)
            {
                return Refused(_route.Wakeable ? AdmissionOutcome.Asleep : AdmissionOutcome.NoReplica);
            }

            if (_queue.Count == 0 && TryTakeSlot(tried: null, out var replica))
            {
                return ValueTask.FromResult(new AdmissionResult(AdmissionOutcome.Granted, replica));
            }

            if (_queue.Count >= (long)_ready.Length * _route.MaxQueueLength)
            {
                return Refused(AdmissionOutcome.QueueFull);
            }

            waiter = NewWaiter(tried: null);
            _queue.AddLast(waiter);
            Arm();
        }

        return waiter.WaitAsync(cancellationToken);
    }

    /// <summary>Asks for the API's first replica and waits for a slot of it.</summary>
    /// <param name="bodySize">Bytes of the request's body that are kept meanwhile, at most.</param>
    /// <param name="cancellationToken">Fires when the client leaves.</param>
    public ValueTask<AdmissionResult> WakeAsync(long bodySize, CancellationToken cancellationToken)
    {
        Waiter? waiter = null;
        var signals = false;
        lock (_lock)
        {
            if (!_removed && _ready.Length == 0 && _route.Wakeable)
            {
                if (_route.StartFailure is { } failure)
                {
                    return ValueTask.FromResult(new AdmissionResult(AdmissionOutcome.CannotStart, null, failure));
                }

                if (_queue.Count + _sleeping.Count >= (long)_route.MaxConcurrency + _route.MaxQueueLength || !_demand.TryBuffer(bodySize))
                {
                    return Refused(AdmissionOutcome.QueueFull);
                }

                var now = _time.GetTimestamp();
                waiter = new Waiter(this, tried: null) { Deadline = now + Ticks(_limits.WakeTimeout), Buffered = bodySize };
                _sleeping.AddLast(waiter);
                _signalDue = _sleeping.Count == 1 ? now : _signalDue;
                signals = IsSignalDue(now);
                Arm();
            }
        }

        if (waiter is null)
        {
            return EnterAsync(cancellationToken);   // a replica came meanwhile, or none will
        }

        if (signals)
        {
            _demand.Signal(Name);
        }

        return waiter.WaitAsync(cancellationToken);
    }

    /// <summary>
    /// Takes a slot of a replica that this request has not tried, ahead of those that wait: it came before them.
    /// </summary>
    /// <param name="tried">Replicas that could not be reached; the caller has released their slots.</param>
    /// <param name="cancellationToken">Fires when the client leaves.</param>
    public ValueTask<AdmissionResult> EnterAgainAsync(List<Replica> tried, CancellationToken cancellationToken)
    {
        Waiter waiter;
        lock (_lock)
        {
            if (_removed)
            {
                return Refused(AdmissionOutcome.ApiRemoved);
            }

            if (!Array.Exists(_ready, replica => !tried.Contains(replica)))
            {
                return Refused(_ready.Length == 0 && _route.Wakeable ? AdmissionOutcome.Asleep : AdmissionOutcome.AllTried);
            }

            if (TryTakeSlot(tried, out var replica))
            {
                return ValueTask.FromResult(new AdmissionResult(AdmissionOutcome.Granted, replica));
            }

            waiter = NewWaiter(tried);
            _queue.AddFirst(waiter);
            Arm();
        }

        return waiter.WaitAsync(cancellationToken);
    }

    /// <summary>Gives a slot back; the first request that waits for it gets it.</summary>
    public void Release(Replica replica)
    {
        Waiter? next;
        TaskCompletionSource? drained = null;
        lock (_lock)
        {
            _inFlight--;
            if (--replica.InFlight == 0)
            {
                drained = replica.Drained;
                replica.Drained = null;
                if (!replica.Routed)
                {
                    _replicas.Remove(replica.Address.Id);
                }
            }

            next = TakeNext();
        }

        drained?.SetResult();
        next?.Complete();
    }

    /// <summary>Gives back the slot of a replica that could not be reached and passes it over for a while.</summary>
    public void ReleaseUnreachable(Replica replica)
    {
        lock (_lock)
        {
            replica.SkipUntil = _time.GetTimestamp() + Ticks(_limits.SkipTime);
            _lastSkipEnd = Math.Max(_lastSkipEnd, replica.SkipUntil);
            Arm();
        }

        Release(replica);
    }

    /// <summary>Takes new limits and replicas. Requests in progress and waiting stay.</summary>
    public void Apply(RealtimeRoute route)
    {
        List<Waiter> hopeless = [];
        lock (_lock)
        {
            _removed = false;
            _route = route;
            var wanted = route.Replicas.ToDictionary(static replica => replica.Id, StringComparer.Ordinal);
            foreach (var (id, replica) in _replicas.ToArray())
            {
                if (!wanted.ContainsKey(id))
                {
                    Unroute(replica);
                }
            }

            _ready = [.. route.Replicas.Select(Ready)];
            _cursor = 0;
            if (_ready.Length > 0)
            {
                WakeUp();
            }
            else if (route.StartFailure is { } failure)
            {
                // Also those that a replica had woken, and that it served no more.
                Empty(_queue, AdmissionOutcome.CannotStart, failure, hopeless);
                Empty(_sleeping, AdmissionOutcome.CannotStart, failure, hopeless);
            }
        }

        hopeless.ForEach(static waiter => waiter.Complete());
        Dispatch();
    }

    /// <summary>Takes the API out of service: who waits is told, who is in progress may finish.</summary>
    public void Remove()
    {
        List<Waiter> waiting = [];
        lock (_lock)
        {
            _removed = true;
            _ready = [];
            foreach (var replica in _replicas.Values.ToArray())
            {
                Unroute(replica);
            }

            Empty(_queue, AdmissionOutcome.ApiRemoved, reason: null, waiting);
            Empty(_sleeping, AdmissionOutcome.ApiRemoved, reason: null, waiting);
        }

        waiting.ForEach(static waiter => waiter.Complete());
    }

    /// <summary>Completes when the replica has no request in progress.</summary>
    public Task WhenDrained(string replicaId)
    {
        lock (_lock)
        {
            if (!_replicas.TryGetValue(replicaId, out var replica) || replica.InFlight == 0)
            {
                return Task.CompletedTask;
            }

            replica.Drained ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return replica.Drained.Task;
        }
    }

    /// <summary>Closes connections to replicas that were idle for too long.</summary>
    public void CloseIdleConnections()
    {
        foreach (var replica in _ready)
        {
            replica.Pool.CloseIdle();
        }
    }

    /// <summary>Stops the timer; call <see cref="Remove"/> first.</summary>
    public void Dispose() => _timer.Dispose();

    /// <summary>Takes a request whose client left out of the queue; false when it is out already.</summary>
    internal bool TryLeave(Waiter waiter)
    {
        lock (_lock)
        {
            if (waiter.Queue is not { } queue)
            {
                return false;
            }

            Leave(queue, waiter);
            waiter.Decide(AdmissionOutcome.ClientLeft, replica: null);
            return true;
        }
    }

    private static ValueTask<AdmissionResult> Refused(AdmissionOutcome outcome) =>
        ValueTask.FromResult(new AdmissionResult(outcome, null));

    private long Ticks(TimeSpan duration) => (long)(duration.TotalSeconds * _time.TimestampFrequency);

    private Waiter NewWaiter(List<Replica>? tried) =>
        new(this, tried) { Deadline = _time.GetTimestamp() + Ticks(_limits.QueueTimeout) };

    /// <summary>A replica is ready: who waited for the first one now waits for a slot, behind those who did so before. The lock is held.</summary>
    private void WakeUp()
    {
        var deadline = _time.GetTimestamp() + Ticks(_limits.QueueTimeout);
        while (_sleeping.First is { } waiter)
        {
            Leave(_sleeping, waiter);
            waiter.Deadline = deadline;
            _queue.AddLast(waiter);
        }

        Arm();
    }

    /// <summary>Takes every request out of a queue and decides on it. The lock is held, and the caller completes them.</summary>
    private void Empty(WaiterQueue queue, AdmissionOutcome outcome, string? reason, List<Waiter> taken)
    {
        while (queue.First is { } waiter)
        {
            Leave(queue, waiter);
            waiter.Decide(outcome, replica: null, reason);
            taken.Add(waiter);
        }
    }

    private void Leave(WaiterQueue queue, Waiter waiter)
    {
        queue.Remove(waiter);
        _demand.Release(waiter.Buffered);
        waiter.Buffered = 0;
    }

    /// <summary>Whether those who wait for a first replica must be spoken for, at most once per interval. The lock is held.</summary>
    private bool IsSignalDue(long now)
    {
        if (_sleeping.Count == 0 || now < _signalDue)
        {
            return false;
        }

        _signalDue = now + Ticks(SignalInterval);
        return true;
    }

    private Replica Ready(ReplicaAddress address)
    {
        if (!_replicas.TryGetValue(address.Id, out var replica))
        {
            replica = new Replica(address, _connector);
            _replicas.Add(address.Id, replica);
        }

        replica.Route(address, _connector);
        return replica;
    }

    private void Unroute(Replica replica)
    {
        replica.Unroute();
        if (replica.InFlight == 0)
        {
            _replicas.Remove(replica.Address.Id);
        }
    }

    private bool TryTakeSlot(List<Replica>? tried, [NotNullWhen(true)] out Replica? replica)
    {
        replica = Pick(tried);
        if (replica is null)
        {
            return false;
        }

        replica.InFlight++;
        _inFlight++;
        return true;
    }

    /// <summary>
    /// The least loaded ready replica with a free slot, in turn among equals. Replicas that could not be reached lately
    /// count only when there are no others.
    /// </summary>
    private Replica? Pick(List<Replica>? tried)
    {
        // The clock is read only while replicas are being passed over.
        var now = long.MaxValue;
        if (_lastSkipEnd != 0 && (now = _time.GetTimestamp()) > _lastSkipEnd)
        {
            _lastSkipEnd = 0;
        }

        return Pick(tried, now, out var passedOver, out var usable) ?? (usable || !passedOver ? null : Pick(tried, long.MaxValue, out _, out _));
    }

    private Replica? Pick(List<Replica>? tried, long now, out bool passedOver, out bool usable)
    {
        passedOver = usable = false;
        Replica? best = null;
        var bestIndex = 0;
        var ready = _ready;
        for (var i = 0; i < ready.Length; i++)
        {
            var index = _cursor + i;
            index = index >= ready.Length ? index - ready.Length : index;
            var replica = ready[index];
            if (tried is not null && tried.Contains(replica))
            {
                continue;
            }

            if (replica.SkipUntil > now)
            {
                passedOver = true;
                continue;
            }

            usable = true;
            if (replica.InFlight < _route.MaxConcurrency && (best is null || replica.InFlight < best.InFlight))
            {
                best = replica;
                bestIndex = index;
                if (best.InFlight == 0)
                {
                    break;
                }
            }
        }

        if (best is not null)
        {
            _cursor = bestIndex + 1 >= ready.Length ? 0 : bestIndex + 1;
        }

        return best;
    }

    /// <summary>Gives the first request that can be served a slot, and takes it out of the queue.</summary>
    private Waiter? TakeNext()
    {
        for (var waiter = _queue.First; waiter is not null; waiter = waiter.Next)
        {
            if (TryTakeSlot(waiter.Tried, out var replica))
            {
                _queue.Remove(waiter);
                waiter.Decide(AdmissionOutcome.Granted, replica);
                return waiter;
            }

            if (waiter.Tried is null)
            {
                return null;   // it would take any slot: there is none for those behind it either
            }
        }

        return null;
    }

    private void Dispatch()
    {
        while (true)
        {
            Waiter? next;
            lock (_lock)
            {
                next = TakeNext();
            }

            if (next is null)
            {
                return;
            }

            next.Complete();
        }
    }

    /// <summary>Sets the timer to the next moment at which waiters need a look. The lock is held.</summary>
    private void Arm()
    {
        var due = long.MaxValue;
        if (_queue.First is { } first)
        {
            // A request that came back to the front has a later deadline than those behind it, by one failed connect.
            due = _lastSkipEnd == 0 ? first.Deadline : Math.Min(first.Deadline, _lastSkipEnd);
        }

        if (_sleeping.First is { } sleeper)
        {
            // Asked for again and again: whoever hears it may have died, or scaled to zero just now.
            due = Math.Min(due, Math.Min(sleeper.Deadline, _signalDue));
        }

        if (due < _timerDue)
        {
            _timerDue = due;
            var wait = _time.GetElapsedTime(_time.GetTimestamp(), due);

            // Rounded up: a timer that fires too early would find nothing due and fire again at once.
            _timer.Change((wait < TimeSpan.Zero ? TimeSpan.Zero : wait) + TimeSpan.FromMilliseconds(1), Timeout.InfiniteTimeSpan);
        }
    }

    private void OnTimer()
    {
        List<Waiter>? late = null;
        bool signals;
        lock (_lock)
        {
            var now = _time.GetTimestamp();
            while (_queue.First is { } waiter && waiter.Deadline <= now)
            {
                Leave(_queue, waiter);
                waiter.Decide(AdmissionOutcome.TimedOut, replica: null);
                (late ??= []).Add(waiter);
            }

            while (_sleeping.First is { } sleeper && sleeper.Deadline <= now)
            {
                Leave(_sleeping, sleeper);
                sleeper.Decide(AdmissionOutcome.NotAwakeInTime, replica: null, _route.StartDelay);
                (late ??= []).Add(sleeper);
            }

            signals = IsSignalDue(now);

            if (_lastSkipEnd <= now)
            {
                _lastSkipEnd = 0;
            }

            _timerDue = long.MaxValue;
            Arm();
        }

        late?.ForEach(static waiter => waiter.Complete());
        if (signals)
        {
            _demand.Signal(Name);
        }

        Dispatch();
    }
}
