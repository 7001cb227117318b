using Cortex.Gateway;
using Cortex.Routing;

namespace Cortex.Dispatch;

/// <summary>The replicas of one API and their slots: each never has more calls in progress than the API's limit.</summary>
internal sealed class ReplicaSet(GatewayOptions options, TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, ReplicaState> _states = [];
    private int _maxConcurrency;
    private int _slots;

    /// <summary>Slots of all replicas that take requests.</summary>
    public int Slots => Volatile.Read(ref _slots);

    /// <summary>Whether a slot could be taken now.</summary>
    public bool HasFree
    {
        get
        {
            lock (_lock)
            {
                return Best() is not null;
            }
        }
    }

    /// <summary>Whether no call is in progress.</summary>
    public bool IsIdle
    {
        get
        {
            lock (_lock)
            {
                return _states.Values.All(static state => state.InFlight == 0);
            }
        }
    }

    /// <summary>Swaps the replicas and the limit. Calls in progress keep their slots.</summary>
    public void Apply(IReadOnlyList<ReplicaAddress> replicas, int maxConcurrency)
    {
        List<ReplicaLife> ended = [];
        lock (_lock)
        {
            _maxConcurrency = maxConcurrency;
            _slots = replicas.Count * maxConcurrency;
            var named = replicas.ToDictionary(static replica => replica.Id, StringComparer.Ordinal);
            foreach (var (id, state) in _states)
            {
                if (state.Life is { } life && (!named.TryGetValue(id, out var replica) || replica != life.Replica))
                {
                    ended.Add(life);
                    state.Life = null;
                }

                if (state is { Life: null, InFlight: 0 })
                {
                    _states.Remove(id);   // while enumerating: allowed for Dictionary.Remove
                }
            }

            foreach (var replica in replicas)
            {
                if (!_states.TryGetValue(replica.Id, out var state))
                {
                    _states.Add(replica.Id, state = new ReplicaState());
                }

                if (state.Life is null)
                {
                    state.Life = new ReplicaLife(replica, options, time);
                    state.SkipUntil = 0;
                }
            }
        }

        ended.ForEach(static life => life.End());
    }

    /// <summary>Takes a slot of the replica that has the most free ones. False when there is none.</summary>
    public bool TryTake(out ReplicaSlot slot)
    {
        lock (_lock)
        {
            return TryTakeBest(out slot);
        }
    }

    /// <summary>Gives a slot back and takes one for the next call, perhaps of another replica. False when there is none.</summary>
    public bool TryExchange(ref ReplicaSlot slot)
    {
        lock (_lock)
        {
            GiveBack(slot.State, slot.ReplicaId);
            return TryTakeBest(out slot);
        }
    }

    /// <summary>As <see cref="TryExchange"/>, and passes the replica over for a while, as it cannot be reached.</summary>
    public bool TryExchangeUnreachable(ref ReplicaSlot slot)
    {
        lock (_lock)
        {
            if (slot.State.Life == slot.Life)
            {
                slot.State.SkipUntil = time.GetTimestamp() + (long)(options.UnreachableReplicaPause.TotalSeconds * time.TimestampFrequency);
            }

            GiveBack(slot.State, slot.ReplicaId);
            return TryTakeBest(out slot);
        }
    }

    /// <summary>Gives a slot back.</summary>
    public void Release(ReplicaSlot slot)
    {
        lock (_lock)
        {
            GiveBack(slot.State, slot.ReplicaId);
        }
    }

    /// <summary>Completes when no call is in progress on a replica.</summary>
    public Task WhenDrained(string id)
    {
        lock (_lock)
        {
            return !_states.TryGetValue(id, out var state) || state.InFlight == 0
                ? Task.CompletedTask
                : (state.Drained ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
    }

    /// <summary>Closes connections that were unused for too long.</summary>
    public void CloseIdle()
    {
        List<ReplicaLife> lives = [];
        lock (_lock)
        {
            foreach (var state in _states.Values)
            {
                if (state.Life is { } life)
                {
                    lives.Add(life);
                }
            }
        }

        lives.ForEach(static life => life.Client.CloseIdle());
    }

    private bool TryTakeBest(out ReplicaSlot slot)
    {
        if (Best() is not { } state)
        {
            slot = default;
            return false;
        }

        state.InFlight++;
        slot = new ReplicaSlot(state, state.Life!);
        return true;
    }

    private ReplicaState? Best()
    {
        ReplicaState? best = null;
        foreach (var state in _states.Values)
        {
            if (state.Life is null || state.InFlight >= _maxConcurrency || (state.SkipUntil != 0 && state.SkipUntil > time.GetTimestamp()))
            {
                continue;
            }

            best = best is null || state.InFlight < best.InFlight ? state : best;
        }

        return best;
    }

    private void GiveBack(ReplicaState state, string id)
    {
        if (--state.InFlight > 0)
        {
            return;
        }

        state.Drained?.TrySetResult();
        state.Drained = null;
        if (state.Life is null && _states.TryGetValue(id, out var present) && present == state)
        {
            _states.Remove(id);
        }
    }
}
