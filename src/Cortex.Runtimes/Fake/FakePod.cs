using Cortex.Runtimes.Supervision;

namespace Cortex.Runtimes.Fake;

/// <summary>One pod of a <see cref="FakeMachine"/>. Every member needs the machine's lock.</summary>
internal sealed class FakePod
{
    private static long _sequence;

    private readonly FakeMachine _machine;
    private readonly Lock _lock;
    private readonly FakeContainer[] _containers;
    private readonly TaskCompletionSource _over = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _gone = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private PodState? _forced = PodState.Pending;
    private string _reason = "";
    private PodState _shown = PodState.Pending;
    private DateTimeOffset _shownSince;
    private bool _willStall;
    private string? _waitsFor;
    private bool _deleting;
    private bool _frozen;
    private int _life;

    public FakePod(FakeMachine machine, Lock machineLock, PodDefinition definition, FakeBehaviour behaviour)
    {
        _machine = machine;
        _lock = machineLock;
        Definition = definition;
        Behaviour = behaviour;
        CreatedAt = _shownSince = machine.Time.GetUtcNow();
        Sequence = Interlocked.Increment(ref _sequence);
        _containers = [.. definition.Containers.Select(c => new FakeContainer(c.Name))];
    }

    public PodDefinition Definition { get; }

    public FakeBehaviour Behaviour { get; set; }

    public DateTimeOffset CreatedAt { get; }

    public long Sequence { get; }

    public bool WaitsForRoom { get; private set; } = true;

    public bool HasRoom => !WaitsForRoom && !_containers.All(c => c.Phase is ContainerPhase.Ended);

    /// <summary>It as one that has room.</summary>
    public RoomHolder Holder => RoomHolder.Of(Definition, _frozen, NodeGroup);

    /// <summary>The node group that it takes its room from.</summary>
    public string? NodeGroup { get; private set; }

    public bool Runs => _containers.Any(c => c.Phase is ContainerPhase.Running);

    /// <summary>Completes when the pod was deleted or has ended for good.</summary>
    public Task Over => _over.Task;

    public int IndexOf(string container)
    {
        var index = Array.FindIndex(_containers, c => c.Name == container);
        return index >= 0 ? index : throw new ArgumentException($"pod {Definition.Id} has no container {container}", nameof(container));
    }

    public void Wait(string reason, string? waitsFor = null)
    {
        _waitsFor = waitsFor;
        var stallsIn = CreatedAt + _machine.StalledAfter - _machine.Time.GetUtcNow();
        Show(stallsIn <= TimeSpan.Zero ? PodState.Stalled : PodState.Pending, reason);
        if (stallsIn > TimeSpan.Zero && !_willStall)
        {
            _willStall = true;
            After(stallsIn, () =>
            {
                if (WaitsForRoom)
                {
                    Show(PodState.Stalled, _reason);
                }
            });
        }
    }

    /// <summary>Room was found.</summary>
    public void Begin(string? nodeGroup)
    {
        WaitsForRoom = false;
        NodeGroup = nodeGroup;
        Show(PodState.Creating, "");
        After(Behaviour.CreatingFor, () =>
        {
            if (Behaviour.ImageError is { } words)
            {
                Show(PodState.ErrImagePull, words);
            }
            else if (Behaviour.StartError is { } error)
            {
                Show(PodState.Failed, error);
            }
            else
            {
                _forced = null;
                foreach (var index in Enumerable.Range(0, _containers.Length))
                {
                    Start(index);
                }
            }
        });
    }

    /// <summary>Back to before it had room.</summary>
    public void Reset()
    {
        _life++;
        _frozen = false;
        _willStall = false;
        WaitsForRoom = true;
        NodeGroup = null;
        foreach (var container in _containers)
        {
            container.Phase = ContainerPhase.Waiting;
            container.Ready = false;
        }

        Show(PodState.Pending, "");
    }

    public void SetReady(bool ready, string reason)
    {
        foreach (var container in _containers.Where(c => c.Phase is ContainerPhase.Running))
        {
            container.Ready = ready;
            container.Reason = reason;
        }

        Show(_forced, reason);
    }

    /// <summary>Halts it if it is ready. Whether it stands still now.</summary>
    public bool Freeze()
    {
        if (_shown is PodState.Ready)
        {
            _frozen = true;
            Show(_forced, "");
        }

        return _shown is PodState.Frozen;
    }

    /// <summary>Lets it go on. Whether it stood still.</summary>
    public bool Thaw()
    {
        var stood = _shown is PodState.Frozen;
        if (stood)
        {
            _frozen = false;
            Show(_forced, "");
        }

        return stood;
    }

    public void End(int index, int exitCode, bool oomKilled)
    {
        var container = _containers[index];
        if (container.Phase is not ContainerPhase.Running)
        {
            return;
        }

        _frozen = false;
        container.Ended(_machine.Time.GetUtcNow(), exitCode, oomKilled);
        if (Definition.Restart is RestartPolicy.Always && !_deleting)
        {
            container.Phase = ContainerPhase.Waiting;
            var backoff = RestartBackoff.Default.Delay(container.Restarts);
            var start = container.Starts;
            Show(_forced, container.Reason);

            // Never within the call: a container that ends at once would be started again for ever.
            After(backoff == TimeSpan.Zero ? TimeSpan.FromMilliseconds(1) : backoff, () =>
            {
                if (container.Starts == start && container.Phase is ContainerPhase.Waiting)
                {
                    container.Restarts++;
                    Start(index);
                }
            });
            return;
        }

        container.Phase = ContainerPhase.Ended;
        if (exitCode != 0)
        {
            EndOthers(_machine.Time.GetUtcNow());
        }
        else if (Definition.HelperGrace is { } grace && !_containers.All(c => c.Phase is ContainerPhase.Ended))
        {
            After(grace, () =>
            {
                if (HelperRule.EndAt(Facts(), grace) is { } endAt)
                {
                    // A timer may come a moment before the clock says so, and then their ends would look like their own.
                    var now = _machine.Time.GetUtcNow();
                    EndOthers(now > endAt ? now : endAt);
                    Show(_forced, "");
                    _over.TrySetResult();
                }
            });
        }

        Show(_forced, container.Reason);
        if (_containers.All(c => c.Phase is ContainerPhase.Ended))
        {
            _over.TrySetResult();
        }
    }

    private void EndOthers(DateTimeOffset at)
    {
        foreach (var other in _containers.Where(c => c.Phase is ContainerPhase.Running))
        {
            other.Ended(at, SignalExitCodes.Terminated, false);
            other.Phase = ContainerPhase.Ended;
        }
    }

    private List<ContainerFacts> Facts() => [.. _containers.Select(c => c.Facts())];

    public Task Delete(TimeSpan grace, Action removed)
    {
        _deleting = true;
        Show(PodState.Terminating, "");
        var takes = Runs ? (Behaviour.StopTakes < grace ? Behaviour.StopTakes : grace) : TimeSpan.Zero;

        // A later call may end it sooner, never later: whichever comes first ends this life and with it the other's timer.
        After(takes, () =>
        {
            removed();
            Gone();
        });

        return _gone.Task;
    }

    public void Gone()
    {
        _life++;
        _over.TrySetResult();
        _gone.TrySetResult();
        _machine.Changed(Definition.Id);
    }

    public PodStatus Status() => new()
    {
        Id = Definition.Id,
        Labels = Definition.Labels,
        State = _shown,
        Reason = _reason,
        WaitsFor = WaitsForRoom ? _waitsFor : null,
        NodeGroup = NodeGroup,
        Address = Runs && Definition.Port is { } port ? new PodAddress("127.0.0.1", port) : null,
        CreatedAt = CreatedAt,
        StateSince = _shownSince,
        Containers = HelperRule.Excuse([.. _containers.Select(c => c.Status())], Facts(), Definition.HelperGrace),
    };

    private void Start(int index)
    {
        var container = _containers[index];
        container.Starts++;
        container.StartedAt = _machine.Time.GetUtcNow();
        container.Phase = ContainerPhase.Running;
        container.Ready = false;
        container.Reason = "";
        var start = container.Starts;
        Show(_forced, "");
        After(Behaviour.ReadyAfter, () =>
        {
            if (container.Starts == start && container.Phase is ContainerPhase.Running)
            {
                container.Ready = true;
                Show(_forced, _reason);
            }
        });
        if (index == 0 && Behaviour.Exit is { } exit)
        {
            After(exit.After, () =>
            {
                if (container.Starts == start)
                {
                    End(0, exit.Code, exit.OomKilled);
                }
            });
        }
    }

    private void Show(PodState? forced, string reason)
    {
        _forced = _deleting ? PodState.Terminating : forced;
        var state = _forced ?? (_frozen ? PodState.Frozen : PodStateRule.Of(HelperRule.Excuse(Facts(), Definition.HelperGrace), Definition.Restart));
        if (state != _shown)
        {
            _shown = state;
            _shownSince = _machine.Time.GetUtcNow();
        }

        _reason = reason;
        _machine.Changed(Definition.Id);
    }

    private void After(TimeSpan delay, Action then)
    {
        if (delay == Timeout.InfiniteTimeSpan)
        {
            return;
        }

        if (delay <= TimeSpan.Zero)
        {
            then();
            return;
        }

        var life = _life;
        ITimer? timer = null;
        timer = _machine.Time.CreateTimer(_ =>
        {
            lock (_lock)
            {
                timer?.Dispose();
                if (life == _life)
                {
                    then();
                }
            }
        }, null, delay, Timeout.InfiniteTimeSpan);
    }

    private sealed class FakeContainer(string name)
    {
        private int? _exitCode;
        private bool _oomKilled;
        private DateTimeOffset? _endedAt;

        public DateTimeOffset? StartedAt { get; set; }

        public string Name => name;

        public ContainerPhase Phase { get; set; } = ContainerPhase.Waiting;

        public bool Ready { get; set; }

        public int Starts { get; set; }

        public int Restarts { get; set; }

        public string Reason { get; set; } = "";

        public void Ended(DateTimeOffset at, int exitCode, bool oomKilled)
        {
            (_endedAt, _exitCode, _oomKilled, Ready) = (at, exitCode, oomKilled, false);
            Reason = EndReason.Of(name, exitCode, oomKilled, 0);
        }

        public ContainerFacts Facts() => new(Phase, Ready, _exitCode, _oomKilled, _endedAt);

        public ContainerStatus Status() => new()
        {
            Name = name,
            Running = Phase is ContainerPhase.Running,
            Ready = Ready,
            Restarts = Restarts,
            ExitCode = _exitCode,
            OomKilled = _oomKilled,
            StartedAt = StartedAt,
            EndedAt = _endedAt,
            Reason = Reason,
        };
    }
}
