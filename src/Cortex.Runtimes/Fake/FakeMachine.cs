using Cortex.Runtimes.Supervision;

namespace Cortex.Runtimes.Fake;

/// <summary>
/// A machine in memory that runs no process: pods change state when the clock or the test says so. It outlives the
/// <see cref="FakeRuntime"/>s that use it, as containers outlive a server that is killed.
/// </summary>
/// <param name="time">Drives every delay. A delay of zero passes within the call that causes it.</param>
public sealed class FakeMachine(TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, FakePod> _pods = new(StringComparer.Ordinal);
    private readonly Dictionary<string, FakeBehaviour> _byPod = new(StringComparer.Ordinal);
    private readonly Queue<FakeBehaviour> _next = new();
    private readonly List<ChangeFeed> _feeds = [];
    private Room _capacity = new(8000, 16L << 30, 0);
    private IReadOnlyList<NodeGroupShare> _nodeGroups = [];
    private long _created;

    /// <summary>How pods fare for which neither <see cref="Behave"/> nor <see cref="BehaveNext"/> says otherwise.</summary>
    public FakeBehaviour Behaviour { get; set; } = new();

    /// <summary>When set, every call of a runtime that asks the machine fails with a <see cref="RuntimeUnavailableException"/> of these words.</summary>
    public string? Unavailable
    {
        get => Trouble?.Message;
        set => Trouble = value is null ? null : new RuntimeTrouble(value, Time.GetUtcNow());
    }

    internal RuntimeTrouble? Trouble { get; private set; }

    /// <summary>Reserved room may not exceed this; 8000 by default. Raising it starts pods that wait.</summary>
    public long CpuMillis
    {
        get => _capacity.CpuMillis;
        set => Resize(_capacity with { CpuMillis = value });
    }

    /// <summary>Bytes; 16 Gi by default.</summary>
    public long MemoryBytes
    {
        get => _capacity.MemoryBytes;
        set => Resize(_capacity with { MemoryBytes = value });
    }

    /// <summary>Whole GPUs; none by default.</summary>
    public long Gpus
    {
        get => _capacity.Gpus;
        set => Resize(_capacity with { Gpus = value });
    }

    /// <summary>Named shares of it; none by default. Changing them starts pods that fit now.</summary>
    public IReadOnlyList<NodeGroupShare> NodeGroups
    {
        get => _nodeGroups;
        set
        {
            lock (_lock)
            {
                _nodeGroups = value;
                Place();
            }
        }
    }

    /// <summary>A pod that has waited this long for room shows as <see cref="PodState.Stalled"/>; 15 minutes by default.</summary>
    public TimeSpan StalledAfter { get; set; } = TimeSpan.FromMinutes(15);

    /// <summary>How many pods were ever created on it: a pod that is adopted does not count again.</summary>
    public long CreatedCount => Interlocked.Read(ref _created);

    /// <summary>What its pods were made of, in no order.</summary>
    public IReadOnlyList<PodDefinition> Definitions
    {
        get
        {
            lock (_lock)
            {
                return [.. _pods.Values.Select(pod => pod.Definition)];
            }
        }
    }

    internal TimeProvider Time { get; } = time;

    /// <summary>Says how a pod will fare that is created with this id.</summary>
    public void Behave(string podId, FakeBehaviour behaviour)
    {
        lock (_lock)
        {
            _byPod[podId] = behaviour;
        }
    }

    /// <summary>Says how the next pods to be created will fare.</summary>
    /// <param name="behaviour">How they fare.</param>
    /// <param name="count">How many pods.</param>
    public void BehaveNext(FakeBehaviour behaviour, int count = 1)
    {
        lock (_lock)
        {
            for (var i = 0; i < count; i++)
            {
                _next.Enqueue(behaviour);
            }
        }
    }

    /// <summary>Replaces how a pod fares that exists, and begins again with it: it waits for room, then starts.</summary>
    public void Rebehave(string podId, FakeBehaviour behaviour) => With(podId, pod =>
    {
        pod.Behaviour = behaviour;
        pod.Reset();
        Place();
    });

    /// <summary>Makes a pod whose containers run ready.</summary>
    public void MarkReady(string podId) => With(podId, pod => pod.SetReady(true, ""));

    /// <summary>Lets a pod that runs fail its readiness probe.</summary>
    public void MarkNotReady(string podId, string reason = "readiness probe failed") =>
        With(podId, pod => pod.SetReady(false, reason));

    /// <summary>Ends a container; the restart policy decides what follows.</summary>
    public void End(string podId, string container, int exitCode, bool oomKilled = false) =>
        With(podId, pod => pod.End(pod.IndexOf(container), exitCode, oomKilled));

    /// <summary>Takes a pod away as if it had never been there, without any grace.</summary>
    public void Remove(string podId) => With(podId, pod =>
    {
        _pods.Remove(podId);
        pod.Gone();
        Place();
    });

    internal ChangeFeed Listen()
    {
        lock (_lock)
        {
            var feed = new ChangeFeed();
            _feeds.Add(feed);
            return feed;
        }
    }

    internal void Leave(ChangeFeed feed)
    {
        lock (_lock)
        {
            _feeds.Remove(feed);
            feed.End();
        }
    }

    internal void Changed(string podId)
    {
        lock (_lock)
        {
            _feeds.ForEach(feed => feed.Changed(podId));
        }
    }

    internal void Create(PodDefinition definition)
    {
        lock (_lock)
        {
            if (_pods.ContainsKey(definition.Id))
            {
                return;
            }

            Interlocked.Increment(ref _created);
            var behaviour = _byPod.GetValueOrDefault(definition.Id) ?? (_next.TryDequeue(out var next) ? next : Behaviour);
            var pod = new FakePod(this, _lock, definition, behaviour);
            _pods.Add(definition.Id, pod);
            Changed(definition.Id);
            Place();
        }
    }

    internal Task Delete(string podId, TimeSpan grace)
    {
        lock (_lock)
        {
            return _pods.TryGetValue(podId, out var pod)
                ? pod.Delete(grace, () =>
                {
                    _pods.Remove(podId);
                    Place();
                })
                : Task.CompletedTask;
        }
    }

    internal IReadOnlyList<PodStatus> List()
    {
        lock (_lock)
        {
            return [.. _pods.Values.Select(p => p.Status())];
        }
    }

    internal RuntimeCapacity Capacity()
    {
        lock (_lock)
        {
            var ledger = new RoomLedger(_capacity, _nodeGroups);
            foreach (var holder in Holders())
            {
                ledger.Take(holder);
            }

            var taken = ledger.Taken;
            return new RuntimeCapacity
            {
                Description = "fake machine",
                CpuMillis = _capacity.CpuMillis,
                MemoryBytes = _capacity.MemoryBytes,
                Gpus = _capacity.Gpus,
                CpuMillisReserved = taken.CpuMillis,
                MemoryBytesReserved = taken.MemoryBytes,
                GpusReserved = taken.Gpus,
                NodeGroups = ledger.Groups(),
            };
        }
    }

    internal FakePod? Find(string podId)
    {
        lock (_lock)
        {
            return _pods.GetValueOrDefault(podId);
        }
    }

    private IEnumerable<RoomHolder> Holders() =>
        _pods.Values.Where(p => p.HasRoom).OrderBy(p => p.Sequence).Select(p => p.Holder);

    internal bool Freeze(string podId)
    {
        lock (_lock)
        {
            var frozen = _pods.TryGetValue(podId, out var pod) && pod.Freeze();
            Place();
            return frozen;
        }
    }

    internal bool Thaw(string podId)
    {
        lock (_lock)
        {
            return _pods.TryGetValue(podId, out var pod) && pod.Thaw();
        }
    }

    private void Resize(Room capacity)
    {
        lock (_lock)
        {
            _capacity = capacity;
            Place();
        }
    }

    private void With(string podId, Action<FakePod> change)
    {
        lock (_lock)
        {
            if (!_pods.TryGetValue(podId, out var pod))
            {
                throw new ArgumentException($"no pod {podId} on the fake machine", nameof(podId));
            }

            change(pod);
        }
    }

    /// <summary>Gives room to the pods that wait for it. Needs the lock.</summary>
    private void Place()
    {
        var waiting = _pods.Values.Where(p => p.WaitsForRoom).OrderBy(p => p.Sequence).ToList();
        var now = Time.GetUtcNow();
        var decisions = RoomRule.Decide(
            _capacity, _nodeGroups, Holders(), waiting.Where(p => p.Behaviour.NoRoom is null).Select(p => RoomRequest.Of(p.Definition, now - p.CreatedAt)), StalledAfter);
        foreach (var pod in waiting)
        {
            if (pod.Behaviour.NoRoom is { } words)
            {
                pod.Wait(words);
            }
            else if (decisions[pod.Definition.Id] is { Shortage: { } shortage, WaitsFor: var waitsFor })
            {
                pod.Wait(shortage, waitsFor);
            }
            else
            {
                pod.Begin(decisions[pod.Definition.Id].NodeGroup);
            }
        }
    }
}
