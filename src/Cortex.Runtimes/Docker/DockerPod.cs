using System.Diagnostics.CodeAnalysis;
using Cortex.Background;
using Cortex.Runtimes.Docker.Engine;
using Cortex.Runtimes.Supervision;

namespace Cortex.Runtimes.Docker;

/// <summary>One pod: its network container, its keepers, its state, and its end.</summary>
[SuppressMessage("Design", "CA1001", Justification = "A deletion may come at any time, and without a wait handle these sources hold nothing.")]
internal sealed class DockerPod
{
    private static readonly Backoff _retries = new(TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(10));
    private static readonly TimeSpan _helperMargin = TimeSpan.FromMilliseconds(100);

    private readonly DockerMachine _machine;
    private readonly DockerRuntime _host;
    private readonly Lock _lock = new();
    private readonly ContainerKeeper[] _keepers;
    private readonly DefaultPortProbe _defaultProbe;
    private readonly ReadyMark _readyMark;
    private readonly CancellationTokenSource _deleting = new();
    private readonly TimeLimit _graceOver;
    private readonly TaskCompletionSource _oneSucceeded = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _jobFailed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _room = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _over = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _gone = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly long _createdAt;   // by a clock that nobody sets
    private Deadline _deadline = Deadline.Never;
    private Deadline? _recordedDeadline;
    private string _shortage = "";
    private string? _nodeGroup;
    private string _trouble = "";
    private readonly bool _givesNetworkBack;
    private string? _waitsFor;
    private bool _stalled;
    private PodState _state = PodState.Pending;
    private DateTimeOffset _stateSince;

    /// <summary>A pod whose record is written.</summary>
    public DockerPod(DockerMachine machine, DockerRuntime host, PodDefinition definition, DateTimeOffset createdAt)
    {
        _machine = machine;
        _host = host;
        _graceOver = new TimeLimit(Timeout.InfiniteTimeSpan, machine.Time, CancellationToken.None);
        Definition = definition;
        CreatedAt = createdAt;
        _stateSince = machine.Time.GetUtcNow();
        _createdAt = machine.Time.GetTimestamp() - (long)(Math.Max(0, (_stateSince - createdAt).TotalSeconds) * machine.Time.TimestampFrequency);

        // Where something took connections, the next pod could find its port still in use.
        _givesNetworkBack = definition is { Restart: RestartPolicy.Never, Containers.Count: 1 } && !ContainerPlan.Ports(definition).Any();
        Network = new PodNetwork(machine, definition, _givesNetworkBack, Publish, Trouble);
        Freeze = new PodFreeze(machine, this);
        _readyMark = new ReadyMark(machine, this);
        _defaultProbe = new DefaultPortProbe(definition.DefaultProbePort, Network, machine.Time, Publish, () => Freeze.Holds);
        _keepers = new ContainerKeeper[definition.Containers.Count];
        for (var i = 0; i < _keepers.Length; i++)
        {
            _keepers[i] = new ContainerKeeper(this, definition.Containers[i], machine, i > 0 ? _keepers[i - 1] : null);
        }
    }

    public PodDefinition Definition { get; }

    public DateTimeOffset CreatedAt { get; }

    /// <summary>How long ago it was created.</summary>
    public TimeSpan Age => _machine.Time.GetElapsedTime(_createdAt);

    public IReadOnlyList<ContainerKeeper> Keepers => _keepers;

    public PodNetwork Network { get; }

    public PodFreeze Freeze { get; }

    /// <summary>It as one that has room.</summary>
    public RoomHolder Holder => RoomHolder.Of(Definition, Freeze.Holds, NodeGroup);

    /// <summary>Ends when nothing of the pod runs any more, nor ever will.</summary>
    public Task Over => _over.Task;

    /// <summary>Ends when a container of a job has failed: the others are not to run any more.</summary>
    public Task JobFailed => _jobFailed.Task;

    /// <summary>Ends when nothing of the pod is left.</summary>
    public Task Gone => _gone.Task;

    public bool WaitsForRoom => !_room.Task.IsCompleted && !_deleting.IsCancellationRequested;

    public bool HoldsRoom => _room.Task.IsCompleted && !_over.Task.IsCompleted;

    /// <summary>The node group that it takes its room from; null before it has room, and without groups.</summary>
    public string? NodeGroup
    {
        get
        {
            lock (_lock)
            {
                return _nodeGroup;
            }
        }
    }

    /// <summary>Takes over the network container that an earlier process gave it.</summary>
    public void AdoptNetwork(string id, ContainerSight sight)
    {
        Network.Adopt(id, sight);

        // It had room, or it would have got none.
        _room.TrySetResult();
    }

    /// <summary>Notes the node group that an earlier process gave it room in, or one that it may use where that was never written down.</summary>
    public void AdoptNodeGroup(string? name)
    {
        lock (_lock)
        {
            _nodeGroup ??= name;
        }
    }

    /// <summary>Takes over that an earlier process has frozen it. Its containers have been adopted before.</summary>
    public void AdoptFrozen(DateTimeOffset since)
    {
        _defaultProbe.AdoptFrozen();
        Freeze.Adopt();
        lock (_lock)
        {
            (_state, _stateSince) = (PodState.Frozen, since);
        }
    }

    /// <summary>Takes over whether an earlier process found its readiness probes to pass.</summary>
    public void AdoptReady(bool wasReady) => _readyMark.Adopt(wasReady);

    /// <summary>It was halted, or goes on.</summary>
    public void FreezeChanged()
    {
        Publish();
        _defaultProbe.FreezeChanged();
        foreach (var keeper in _keepers)
        {
            keeper.Doubt();
        }

        _host.RoomChanged();
    }

    /// <summary>Begins its deletion, or shortens the grace of one that has begun.</summary>
    /// <param name="deadline">When to kill what still runs.</param>
    /// <param name="recorded">Whether the engine knows that deadline already, from an earlier process.</param>
    public void Delete(Deadline deadline, bool recorded = false)
    {
        lock (_lock)
        {
            if (deadline.Timestamp >= _deadline.Timestamp)
            {
                return;
            }

            _deadline = deadline;
            _recordedDeadline = recorded ? deadline : _recordedDeadline;
        }

        var left = deadline.Left(_machine.Time);
        if (left > TimeSpan.Zero)
        {
            _graceOver.Restart(left);
        }
        else
        {
            _graceOver.End();
        }

        _deleting.Cancel();
        Publish();
    }

    public void GiveRoom(string? nodeGroup)
    {
        lock (_lock)
        {
            _nodeGroup = nodeGroup;
        }

        _room.TrySetResult();
    }

    public void RefuseRoom(string shortage, string? waitsFor)
    {
        lock (_lock)
        {
            if (_shortage == shortage && _waitsFor == waitsFor)
            {
                return;
            }

            (_shortage, _waitsFor) = (shortage, waitsFor);
        }

        Publish();
    }

    /// <summary>Something may have happened to any container.</summary>
    public void LookAtAll()
    {
        Network.LookAgain();
        foreach (var keeper in _keepers)
        {
            keeper.Doubt();
        }
    }

    /// <summary>A container of a job has ended for good.</summary>
    public void ContainerIsOver(bool failed)
    {
        if (failed)
        {
            _jobFailed.TrySetResult();
        }
        else
        {
            _oneSucceeded.TrySetResult();
        }

        if (_keepers.All(k => k.Over))
        {
            _over.TrySetResult();
            _host.RoomChanged();
        }
    }

    /// <summary>A container began to run.</summary>
    public void ContainerStarted()
    {
        _defaultProbe.ContainerStarted();
        Freeze.Doubt();
    }

    /// <summary>A container ended.</summary>
    public void ContainerEnded()
    {
        _defaultProbe.ContainerEnded();
        Freeze.Doubt();
    }

    public PodStatus Status()
    {
        var (state, reason) = Judge();
        lock (_lock)
        {
            if (state != _state)
            {
                _state = state;
                _stateSince = _machine.Time.GetUtcNow();
            }

            return new PodStatus
            {
                Id = Definition.Id,
                Labels = Definition.Labels,
                State = _state,
                Reason = reason,
                WaitsFor = _state is PodState.Pending or PodState.Stalled ? _waitsFor : null,
                NodeGroup = _nodeGroup,
                Address = Definition.Port is { } port ? Network.AddressOf(port) : null,
                CreatedAt = CreatedAt,
                StateSince = _stateSince,
                Containers = HelperRule.Excuse([.. _keepers.Select(k => k.Status())], Facts(), Definition.HelperGrace),
            };
        }
    }

    public void Publish()
    {
        // Notes the time of a change of state, also when nobody lists.
        Status();
        _readyMark.Doubt();
        _host.PodChanged(Definition.Id);
    }

    /// <summary>Lives and, when told to, dies. Ends when the pod is gone or the runtime closes.</summary>
    public async Task RunAsync(CancellationToken closing)
    {
        using (var work = CancellationTokenSource.CreateLinkedTokenSource(closing, _deleting.Token))
        {
            while (!work.IsCancellationRequested)
            {
                try
                {
                    await LiveAsync(work.Token);
                }
                catch (OperationCanceledException) when (work.IsCancellationRequested)
                {
                    break;
                }
                catch (Exception error)
                {
                    // A pod is never left alone: whatever went wrong, look again from the beginning.
                    _machine.Logger.SupervisionFailed(error, Definition.Id);
                    Trouble(error.Message);
                    await DelayAsync(_retries.Most, work.Token);
                }
            }
        }

        if (_deleting.IsCancellationRequested)
        {
            await RetryAsync(RemoveAsync, "can't be deleted", closing);
            _over.TrySetResult();
            _host.PodGone(this);
            _gone.TrySetResult();
        }
    }

    private async Task LiveAsync(CancellationToken cancellationToken)
    {
        if (_keepers.Length == 0)
        {
            // Its definition can't be read: it can only be deleted.
            await Task.Delay(Timeout.InfiniteTimeSpan, _machine.Time, cancellationToken);
        }

        await WaitForRoomAsync(cancellationToken);
        while (true)
        {
            var up = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var fault = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            using var life = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            Task[] work =
            [
                .. _keepers.Select(k => GuardAsync(k.RunAsync(up.Task, life.Token), fault)),
                GuardAsync(_defaultProbe.WatchAsync(up.Task, life.Token), fault),
                GuardAsync(EndFailedJobAsync(life.Token), fault),
                GuardAsync(EndHelpersAsync(life.Token), fault),
                GuardAsync(Freeze.WatchAsync(life.Token), fault),
                GuardAsync(_readyMark.WatchAsync(life.Token), fault),
            ];
            try
            {
                await RetryAsync(token => Network.BringUpAsync(up, token), "its network can't be had", life.Token);
                await Network.LossAsync(fault.Task, life.Token);
            }
            finally
            {
                await life.CancelAsync();
                await Task.WhenAll(work);
            }

            // Its containers are to start anew, so that its port says nothing of the ones to come.
            _defaultProbe.ContainerEnded();
            await RetryAsync(TakeDownAsync, "can't be taken down", cancellationToken);
            _machine.Logger.Rebuilding(Definition.Id);
        }
    }

    private static async Task GuardAsync(Task work, TaskCompletionSource fault)
    {
        try
        {
            await work;
        }
        catch (OperationCanceledException)
        {
            // The pod's present life ends.
        }
        catch (Exception error)
        {
            fault.TrySetException(error);
        }
    }

    private async Task WaitForRoomAsync(CancellationToken cancellationToken)
    {
        _host.RoomChanged();
        if (!_room.Task.IsCompleted)
        {
            try
            {
                var left = _machine.Options.StalledAfter - Age;
                await _room.Task.WaitAsync(left > TimeSpan.Zero ? left : TimeSpan.Zero, _machine.Time, cancellationToken);
            }
            catch (TimeoutException)
            {
                Set(() => _stalled = true);
                Publish();
            }
        }

        await _room.Task.WaitAsync(cancellationToken);
        Publish();
    }

    // No `lock` stands in an async method itself, for the reason that ImagePuller gives.
    private void Set(Action change)
    {
        lock (_lock)
        {
            change();
        }
    }

    /// <summary>Ends containers that have lost their network, and removes those that can't be given the new one.</summary>
    private Task TakeDownAsync(CancellationToken cancellationToken) => Task.WhenAll(_keepers.Select(async keeper =>
    {
        var job = Definition.Restart is RestartPolicy.Never;
        if (keeper.Id is { } id)
        {
            // What a job's container wrote and how it ended is all that is left of it.
            if (Network.Id is null && !(job && keeper.EverStarted))
            {
                await _machine.Engine.RemoveContainerAsync(id, cancellationToken);
            }
            else if (keeper.Running)
            {
                await IgnoreGoneAsync(_machine.Engine.KillContainerAsync(id, cancellationToken));
            }
        }

        keeper.LostNetwork(forgive: !job);
    }));

    private async Task EndFailedJobAsync(CancellationToken cancellationToken)
    {
        await JobFailed.WaitAsync(cancellationToken);
        var deadline = Deadline.After(Definition.StopGrace ?? _machine.Options.StopGrace, _machine.Time);
        await Task.WhenAll(_keepers.Select(async keeper =>
        {
            // One that is just being started is ended when it has been; one that nobody began to start stays so.
            var start = keeper.NextStart;
            if (!keeper.Running && !keeper.Over)
            {
                await start.WaitAsync(cancellationToken);
            }

            if (keeper.Running)
            {
                await keeper.StopAsync(deadline, cancellationToken);
            }
        }));
    }

    // Helpers get a while once the work is done, and then the same end as after a failure; what that does to their exit codes is excused.
    private async Task EndHelpersAsync(CancellationToken cancellationToken)
    {
        await _oneSucceeded.Task.WaitAsync(cancellationToken);
        if (Definition.HelperGrace is not { } grace || HelperRule.EndAt(Facts(), grace) is not { } endAt)
        {
            return;
        }

        // The engine's word of an end that an earlier process may have seen. However its clock was set, no longer than the grace; and a moment more, so
        // that no end by our signal seems to come before it.
        var left = endAt - _machine.Time.GetUtcNow();
        await DelayAsync((left < TimeSpan.Zero ? TimeSpan.Zero : left < grace ? left : grace) + _helperMargin, cancellationToken);
        if (HelperRule.EndAt(Facts(), grace) is not null && !_keepers.All(k => k.Over))
        {
            _jobFailed.TrySetResult();
            _machine.Logger.HelpersEnd(Definition.Id, grace);
        }
    }

    private List<ContainerFacts> Facts() => [.. _keepers.Select(k => k.Facts())];

    private async Task RemoveAsync(CancellationToken cancellationToken)
    {
        if (!_graceOver.IsOver)
        {
            // The engine refuses a name that the container has.
            if (Network.Id is { } id && _recordedDeadline != _deadline)
            {
                var deadline = _deadline;
                var name = DockerLabels.Deleting(_machine.Options.ClusterName, Definition.Id, _machine.Time.GetUtcNow() + deadline.Left(_machine.Time));
                await IgnoreGoneAsync(_machine.Engine.RenameContainerAsync(id, name, cancellationToken));
                _recordedDeadline = deadline;
            }

            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _graceOver.Token);
            try
            {
                await Freeze.EndAsync(either.Token);
                await Task.WhenAll(_keepers.Where(k => k.Running).Select(k => k.StopAsync(_deadline, either.Token)));
            }
            catch (OperationCanceledException) when (_graceOver.IsOver && !cancellationToken.IsCancellationRequested)
            {
                // The grace is over: what still runs is killed by its removal.
            }
        }

        await _machine.RemovePodAsync(Definition.Id, Network.Id, _givesNetworkBack ? Network.Files : null, cancellationToken);
        foreach (var keeper in _keepers)
        {
            _machine.Gpus.Release(keeper.ContainerName);
        }
    }

    private static async Task IgnoreGoneAsync(Task call)
    {
        try
        {
            await call;
        }
        catch (EngineException error) when (error.NotFound || error.Conflict)
        {
            // It is gone or has ended, as was wanted.
        }
    }

    /// <summary>Repeats a step, with growing delays, until the engine does it.</summary>
    private async Task RetryAsync(Func<CancellationToken, Task> step, string what, CancellationToken cancellationToken)
    {
        for (var delay = _retries.First; ; delay = _retries.Next(delay))
        {
            try
            {
                await step(cancellationToken);
                return;
            }
            catch (Exception error) when (error is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
            {
                var words = $"{what}: {error.Message}";
                Trouble(words);
                _machine.Logger.TryingAgain(Definition.Id, words, delay);
            }

            await DelayAsync(delay, cancellationToken);
        }
    }

    private void Trouble(string words)
    {
        lock (_lock)
        {
            _trouble = words;
        }

        Publish();
    }

    private (PodState State, string Reason) Judge()
    {
        lock (_lock)
        {
            if (_deleting.IsCancellationRequested)
            {
                return (PodState.Terminating, _trouble);
            }

            if (_keepers.Length == 0)
            {
                return (PodState.Unknown, "the pod's definition can't be read; delete the pod");
            }

            if (!_room.Task.IsCompleted)
            {
                return (_stalled ? PodState.Stalled : PodState.Pending, _shortage);
            }
        }

        if (Freeze.Holds && _keepers.All(k => k.Running))
        {
            return (PodState.Frozen, "");
        }

        var state = PodStateRule.Of(HelperRule.Excuse(Facts(), Definition.HelperGrace), Definition.Restart);
        var port = _defaultProbe.State;
        lock (_lock)
        {
            if (state is PodState.Ready && !port.Ready)
            {
                return (PodState.NotReady, port.Reason);
            }

            return state is PodState.Ready or PodState.Succeeded
                ? (state, "")
                : (state, _keepers.Select(k => k.Status().Reason).Prepend(_trouble).FirstOrDefault(r => r.Length > 0) ?? port.Reason);
        }
    }

    private Task DelayAsync(TimeSpan delay, CancellationToken cancellationToken) => Task.Delay(delay, _machine.Time, cancellationToken);
}
