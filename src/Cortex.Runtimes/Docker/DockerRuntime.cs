using System.Collections.Concurrent;
using System.Text.Json;
using Cortex.Background;
using Cortex.Runtimes.Docker.Engine;
using Cortex.Runtimes.Supervision;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Cortex.Runtimes.Docker;

/// <summary>Runs pods on a Docker Engine, or on Podman's socket, which speaks the same API.</summary>
/// <remarks>
/// All state is in the engine: each pod has a volume whose label holds the pod's definition, so that the next process
/// resumes where this one was killed. Disposing stops supervision and leaves every container running.
/// </remarks>
public sealed class DockerRuntime : IContainerRuntime
{
    /// <summary>The engine's name for a container that stands still.</summary>
    internal const string Paused = "paused";

    private static readonly Backoff _reconnects = new(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(2));
    private static readonly TimeSpan _capacityAge = TimeSpan.FromMinutes(1);

    // Calls that must not be cancelled are under way for as long as an engine that is silent likes.
    private static readonly TimeSpan _closePatience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan _pingEvery = TimeSpan.FromSeconds(5);

    private readonly DockerMachine _machine;
    private readonly ConcurrentDictionary<string, DockerPod> _pods = new(StringComparer.Ordinal);
    private readonly ChangeFeed _feed = new();
    private readonly Lock _placing = new();
    private readonly BackgroundWork _background;
    private readonly BackgroundWork _sparing;
    private volatile CancellationTokenSource? _listening;   // never disposed of, as it may be cancelled at any time, and it has nothing to free
    private bool _eventsBroke;
    private Room _capacity;
    private long _capacityAt;
    private bool _started;
    private bool _closed;

    /// <summary>Makes a runtime; nothing is touched before <see cref="StartAsync"/>.</summary>
    /// <exception cref="ArgumentException">A setting is out of its bounds; the message names all that are.</exception>
    public DockerRuntime(DockerRuntimeOptions options, TimeProvider? time = null, ILogger<DockerRuntime>? logger = null)
    {
        var errors = options.Validate();
        if (errors.Count > 0)
        {
            throw new ArgumentException(string.Join(Environment.NewLine, errors), nameof(options));
        }

        _machine = new DockerMachine(options, time ?? TimeProvider.System, logger ?? NullLogger<DockerRuntime>.Instance);
        _background = new BackgroundWork(_machine.Logger, _machine.Time, _closePatience);
        _sparing = new BackgroundWork(_machine.Logger, _machine.Time, _closePatience);
    }

    /// <summary>This machine's address on the cluster's network, known after <see cref="StartAsync"/>: host aliases resolve to it.</summary>
    public string BridgeGateway => _machine.Gateway;

    /// <summary>Whether <see cref="BridgeGateway"/> is an address that this machine can listen on; known after <see cref="StartAsync"/>.</summary>
    public bool BridgeIsLocal => _machine.BridgeIsLocal;

    private string ClusterLabel => $"{DockerLabels.Cluster}={_machine.Options.ClusterName}";

    /// <inheritdoc/>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await _machine.ConnectAsync(cancellationToken);
        try
        {
            var info = _machine.Engine.InfoAsync(cancellationToken);
            await _machine.PrepareAsync(cancellationToken);
            SetCapacity(await info);

            // Listening begins before the list is made, so that nothing falls between the two.
            var listening = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _background.StartLoop("the watch of Docker Engine's events", token => WatchEventsAsync(listening, token));
            await listening.Task.WaitAsync(cancellationToken);
            await AdoptAsync(cancellationToken);
            _sparing.StartLoop("making network containers in advance", _machine.Spares.RunAsync);
            _background.StartLoop("the watch over Docker Engine", WatchEngineAsync);
            _background.StartLoop("the look at containers' memory", new MemoryWatch(_machine, () => _pods.Values).RunAsync);
        }
        catch (Exception error) when (error is EngineException or PlatformNotSupportedException)
        {
            throw new RuntimeUnavailableException($"Docker Engine refuses to work with us: {error.Message}", error);
        }

        _started = true;
    }

    /// <inheritdoc/>
    public RuntimeTrouble? Trouble => _machine.Engine.Health.Trouble;

    /// <inheritdoc/>
    public Task<RuntimeCapacity> GetCapacityAsync(CancellationToken cancellationToken) => Task.FromResult(GetCapacity());

    private RuntimeCapacity GetCapacity()
    {
        var capacity = Capacity;
        var ledger = new RoomLedger(capacity, _machine.Options.NodeGroups);
        foreach (var holder in Holders())
        {
            ledger.Take(holder);
        }

        var taken = ledger.Taken;
        return new RuntimeCapacity
        {
            Description = $"Docker Engine {_machine.Version.Version} (API {_machine.Version.ApiVersion}, {_machine.Version.Arch})",
            CpuMillis = capacity.CpuMillis,
            MemoryBytes = capacity.MemoryBytes,
            Gpus = capacity.Gpus,
            CpuMillisReserved = taken.CpuMillis,
            MemoryBytesReserved = taken.MemoryBytes,
            GpusReserved = taken.Gpus,
            NodeGroups = ledger.Groups(),
        };
    }

    /// <inheritdoc/>
    public async Task CreateAsync(PodDefinition pod, CancellationToken cancellationToken)
    {
        if (!_started)
        {
            throw new InvalidOperationException("the runtime was not started");
        }

        if (_pods.ContainsKey(pod.Id))
        {
            return;
        }

        try
        {
            // Another call or another process may have been faster: the definition that counts is the one that was written.
            var record = await _machine.RecordAsync(pod);
            Add(new DockerPod(_machine, this, Read(pod.Id, record), _machine.Time.GetUtcNow()));
        }
        catch (EngineException error)
        {
            throw new RuntimeUnavailableException($"Docker Engine can't create pod {pod.Id}: {error.Message}", error);
        }
    }

    /// <inheritdoc/>
    public async Task DeleteAsync(string podId, TimeSpan grace, CancellationToken cancellationToken)
    {
        if (_pods.TryGetValue(podId, out var pod))
        {
            pod.Delete(Deadline.After(grace, _machine.Time));
            await pod.Gone.WaitAsync(cancellationToken);
        }
    }

    /// <inheritdoc/>
    public Task<bool> FreezeAsync(string podId, CancellationToken cancellationToken) =>
        _pods.TryGetValue(podId, out var pod) ? pod.Freeze.FreezeAsync(cancellationToken) : Task.FromResult(false);

    /// <inheritdoc/>
    public Task<bool> ThawAsync(string podId, CancellationToken cancellationToken) =>
        _pods.TryGetValue(podId, out var pod) ? pod.Freeze.ThawAsync(cancellationToken) : Task.FromResult(false);

    /// <inheritdoc/>
    public IReadOnlyList<PodStatus> List() => [.. _pods.Values.OrderBy(p => p.CreatedAt).Select(p => p.Status())];

    /// <inheritdoc/>
    public IAsyncEnumerable<string> WatchAsync(CancellationToken cancellationToken) => _feed.WatchAsync(cancellationToken);

    /// <inheritdoc/>
    public IAsyncEnumerable<LogLine> ReadLogsAsync(string podId, LogQuery query, CancellationToken cancellationToken)
    {
        if (!_pods.TryGetValue(podId, out var pod))
        {
            return AsyncEnumerable.Empty<LogLine>();
        }

        var containers = pod.Keepers.Where(k => query.Container is null || query.Container == k.Container.Name).ToList();
        return query.Follow
            ? PodLogs.FollowAsync(_machine.Engine, pod, containers, query.Tail, _machine.Time, cancellationToken)
            : PodLogs.ReadAsync(_machine.Engine, containers, query.Tail, cancellationToken);
    }

    /// <inheritdoc/>
    public async Task<ExecResult> ExecAsync(
        string podId, string container, IReadOnlyList<string> command, TimeSpan timeout, CancellationToken cancellationToken)
    {
        if (!_pods.TryGetValue(podId, out var pod) || pod.Keepers.FirstOrDefault(k => k.Container.Name == container) is not { Running: true, Id: { } id })
        {
            throw new InvalidOperationException($"container {container} of pod {podId} does not run, so no command can be run in it");
        }

        using var limit = new CallLimit(timeout, _machine.Time, cancellationToken);
        try
        {
            return await _machine.Engine.ExecAsync(id, command, limit.Token);
        }
        catch (OperationCanceledException) when (limit.TimedOut && !cancellationToken.IsCancellationRequested)
        {
            return new ExecResult(-1, "", TimedOut: true);
        }
        catch (EngineException error)
        {
            throw new InvalidOperationException($"can't run a command in container {container} of pod {podId}: {error.Message}", error);
        }
    }

    /// <inheritdoc/>
    public async Task<PodUsage?> GetUsageAsync(string podId, CancellationToken cancellationToken)
    {
        if (!_pods.TryGetValue(podId, out var pod))
        {
            return null;
        }

        var ids = pod.Keepers.Where(k => k.Running).Select(k => k.Id).OfType<string>();
        var stats = (await Task.WhenAll(ids.Select(id => _machine.Engine.StatsAsync(id, cancellationToken)))).OfType<ContainerStats>().ToList();
        return stats.Count == 0
            ? null
            : new PodUsage(stats.Sum(s => (s.Cpu?.Usage?.TotalNanoseconds ?? 0) / 1e9), stats.Sum(s => s.WorkingSet));
    }

    /// <summary>Removes every pod, container, volume and network of the cluster. Works without <see cref="StartAsync"/> too.</summary>
    /// <param name="grace">From the call to SIGKILL.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <exception cref="RuntimeUnavailableException">
    /// The engine can't be reached, or something could not be removed: what is left, why, and how to remove it. All else is removed.
    /// </exception>
    public async Task TeardownAsync(TimeSpan grace, CancellationToken cancellationToken)
    {
        var deadline = Deadline.After(grace, _machine.Time);
        await _machine.ConnectAsync(cancellationToken);
        await _sparing.DisposeAsync();
        await Task.WhenAll(_pods.Keys.Select(id => DeleteAsync(id, grace, cancellationToken)))
            .WaitAsync(grace + _machine.Options.CallTimeout, _machine.Time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellationToken.ThrowIfCancellationRequested();
        await new ClusterTeardown(_machine).RunAsync(deadline, cancellationToken);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _closed, true))
        {
            return;
        }

        _machine.Close();
        _feed.End();
        await Task.WhenAll(_background.DisposeAsync().AsTask(), _sparing.DisposeAsync().AsTask());
        _machine.Dispose();
    }

    internal void PodChanged(string podId) => _feed.Changed(podId);

    internal void PodGone(DockerPod pod)
    {
        _pods.TryRemove(pod.Definition.Id, out _);
        _feed.Changed(pod.Definition.Id);
        RoomChanged();
    }

    /// <summary>Gives room to the pods that wait for it, or tells them what is missing.</summary>
    internal void RoomChanged()
    {
        lock (_placing)
        {
            var waiting = _pods.Values.Where(p => p.WaitsForRoom).OrderBy(p => p.CreatedAt).ToList();
            if (waiting.Count == 0)
            {
                return;
            }

            var decisions = RoomRule.Decide(
                _capacity, _machine.Options.NodeGroups, Holders(), waiting.Select(p => RoomRequest.Of(p.Definition, p.Age)), _machine.Options.RoomPatience);
            foreach (var pod in waiting)
            {
                var decision = decisions[pod.Definition.Id];
                if (decision.Shortage is { } shortage)
                {
                    pod.RefuseRoom(shortage, decision.WaitsFor);
                }
                else
                {
                    pod.GiveRoom(decision.NodeGroup);
                }
            }
        }
    }

    private Room Capacity
    {
        get
        {
            lock (_placing)
            {
                return _capacity;
            }
        }

        set
        {
            lock (_placing)
            {
                _capacity = value;
            }
        }
    }

    private IEnumerable<RoomHolder> Holders() =>
        _pods.Values.Where(p => p.HoldsRoom).OrderBy(p => p.CreatedAt).Select(p => p.Holder);

    private void SetCapacity(EngineInfo info)
    {
        var options = _machine.Options;
        _machine.Learn(info);
        var gpus = options.Gpus ?? (info.Runtimes?.ContainsKey("nvidia") == true ? CountGpus() : 0);
        Capacity = new Room((long)(info.NCPU * 1000 * options.CpuOvercommit), Math.Max(0, info.MemTotal - options.MemoryReserveBytes), gpus);
        _machine.Gpus.Count = gpus;
        _capacityAt = _machine.Time.GetTimestamp();
    }

    /// <summary>The driver shows one directory per GPU; the engine's API does not tell.</summary>
    private static int CountGpus()
    {
        const string Driver = "/proc/driver/nvidia/gpus";
        return Directory.Exists(Driver) ? Directory.GetDirectories(Driver).Length : 0;
    }

    private async Task AdoptAsync(CancellationToken cancellationToken)
    {
        var containers = _machine.Engine.ListContainersAsync(cancellationToken, ClusterLabel);
        var volumes = await _machine.Engine.ListVolumesAsync(ClusterLabel, cancellationToken);
        var found = FoundCluster.Of(_machine.Options.ClusterName, await containers, volumes);
        _machine.Spares.Leftover(found.Spares);
        var pods = await Task.WhenAll(found.Pods.Select(pod => AdoptPodAsync(pod, cancellationToken)));
        Adopt(pods);
        foreach (var container in found.LeftContainers)
        {
            _machine.Logger.RemovedLeftover(container.Name);
            await _machine.Engine.RemoveContainerAsync(container.Id, cancellationToken);
        }

        foreach (var volume in found.LeftVolumes)
        {
            await _machine.Engine.RemoveVolumeAsync(volume.Name, cancellationToken);
        }

        _machine.Logger.Adopted(_pods.Count, _machine.Options.ClusterName, _machine.Version.Version);
    }

    // Nothing is supervised, and so nothing gets room, before it is known what each pod takes.
    private void Adopt(IEnumerable<DockerPod> pods)
    {
        var ledger = new RoomLedger(Capacity, _machine.Options.NodeGroups);
        var ordered = pods.OrderBy(p => p.CreatedAt).ToList();
        foreach (var pod in ordered.Where(p => p.HoldsRoom).OrderByDescending(p => p.NodeGroup is not null))
        {
            pod.AdoptNodeGroup(ledger.Take(pod.Holder));
        }

        ordered.ForEach(pod => _pods[pod.Definition.Id] = pod);
        ordered.ForEach(Supervise);
    }

    private async Task<DockerPod> AdoptPodAsync(FoundPod found, CancellationToken cancellationToken)
    {
        var definition = Read(found.Id, found.Record);
        var pod = new DockerPod(_machine, this, definition, found.Record.CreatedAt);
        pod.AdoptReady(found.WasReady);
        if (found.Infra is { } infra)
        {
            pod.AdoptNetwork(infra.Id, Sight(infra.State));
        }

        foreach (var keeper in pod.Keepers)
        {
            if (found.Users.FirstOrDefault(c => c.Labels[DockerLabels.Container] == keeper.Container.Name) is { } user)
            {
                pod.AdoptNodeGroup(user.Labels.GetValueOrDefault(DockerLabels.NodeGroup));

                // Its network container is gone, or was made anew and the process died before it had done the same here. What
                // a job's container wrote and how it ended is kept: it is all that is left of it.
                var stale = found.Infra is null || (user.HostConfig?.NetworkMode is { } mode && mode != ContainerPlan.JoinedMode(found.Infra.Id));
                if (stale && (definition.Restart is not RestartPolicy.Never || user.State is not "exited"))
                {
                    await _machine.Engine.RemoveContainerAsync(user.Id, cancellationToken);
                    continue;
                }

                if (found.FrozenAt is not null && user.State is Paused)
                {
                    keeper.AdoptFrozen(user.Id);
                }
                else
                {
                    keeper.Adopt(user.Id, Sight(user.State), found.WasReady);
                }

                if (keeper.Container.Gpus > 0 && await _machine.Engine.InspectContainerAsync(user.Id, cancellationToken) is { } seen)
                {
                    _machine.Gpus.Adopt(keeper.ContainerName, seen.HostConfig?.DeviceRequests?.SelectMany(r => r.DeviceIDs) ?? []);
                }
            }
        }

        if (found.FrozenAt is { } since)
        {
            pod.AdoptFrozen(since);
        }

        if (found.DeletionDeadline is { } deadline)
        {
            pod.Delete(Deadline.After(deadline - _machine.Time.GetUtcNow(), _machine.Time), recorded: true);
        }

        return pod;
    }

    private PodDefinition Read(string podId, Volume record)
    {
        var why = "the label is missing";
        try
        {
            if (record.Labels?.GetValueOrDefault(DockerLabels.Definition) is { } json
                && JsonSerializer.Deserialize(json, PodJson.Default.PodDefinition) is { } definition)
            {
                return definition;
            }
        }
        catch (JsonException error)
        {
            why = error.Message;
        }

        _machine.Logger.UnreadableDefinition(record.Name, podId, why);
        return new PodDefinition { Id = podId, Labels = new Dictionary<string, string>(), Containers = [] };
    }

    private static ContainerSight Sight(string state) => state switch
    {
        "created" => ContainerSight.Created,
        "running" => ContainerSight.Running,
        "exited" or "dead" => ContainerSight.Ended,
        _ => ContainerSight.Unknown,
    };

    private void Add(DockerPod pod)
    {
        if (_pods.TryAdd(pod.Definition.Id, pod))
        {
            Supervise(pod);
        }
    }

    private void Supervise(DockerPod pod)
    {
        _feed.Changed(pod.Definition.Id);
        _background.StartLoop($"the supervision of pod {pod.Definition.Id}", pod.RunAsync);
    }

    /// <summary>Asks the engine now and then whether it is there, and how large the machine is, so that others need not wait for its answers.</summary>
    private async Task WatchEngineAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            await Task.Delay(_pingEvery, _machine.Time, cancellationToken);
            try
            {
                await _machine.Engine.PingAsync(cancellationToken);
            }
            catch (RuntimeUnavailableException)
            {
                // Whoever asks is told. The stream of events may be as dead, and would not tell what is missed.
                _listening?.Cancel();
                continue;
            }

            await MeasureAsync(cancellationToken);
        }
    }

    // A machine grows rarely, and asking for its size takes the engine a while.
    private async Task MeasureAsync(CancellationToken cancellationToken)
    {
        if (_machine.Time.GetElapsedTime(_capacityAt) < _capacityAge)
        {
            return;
        }

        try
        {
            SetCapacity(await _machine.Engine.InfoAsync(cancellationToken));
            RoomChanged();
        }
        catch (Exception error) when (error is RuntimeUnavailableException or EngineException)
        {
            // What was known before is still the best guess.
            _machine.Logger.NotMeasured(error.Message);
            _capacityAt = _machine.Time.GetTimestamp();
        }
    }

    private async Task WatchEventsAsync(TaskCompletionSource listening, CancellationToken cancellationToken)
    {
        var delay = _reconnects.First;
        while (!cancellationToken.IsCancellationRequested)
        {
            var listeningTo = new CancellationTokenSource();
            _listening = listeningTo;
            using var either = CancellationTokenSource.CreateLinkedTokenSource(listeningTo.Token, cancellationToken);
            try
            {
                await foreach (var happened in _machine.Engine.EventsAsync(Connected, either.Token))
                {
                    Dispatch(happened);
                }

                throw new RuntimeUnavailableException("Docker Engine ended it");
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception error)
            {
                // Whatever went wrong: without this loop no container's end would be seen any more.
                if (!_eventsBroke)
                {
                    _eventsBroke = true;
                    _machine.Logger.EventsBroke(error is OperationCanceledException ? "Docker Engine does not answer" : error.Message);
                }

                listening.TrySetException(error);
                await Task.Delay(delay, _machine.Time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                delay = _reconnects.Next(delay);
            }
        }

        void Connected()
        {
            delay = _reconnects.First;
            listening.TrySetResult();
            if (_eventsBroke)
            {
                // Whatever happened meanwhile was missed.
                _eventsBroke = false;
                _machine.Spares.LookAtAll();
                foreach (var pod in _pods.Values)
                {
                    pod.LookAtAll();
                }

                _machine.Logger.EventsBack();
            }
        }
    }

    private void Dispatch(EngineEvent happened)
    {
        if (happened.Actor?.Attributes is not { } attributes)
        {
            return;
        }

        if (happened.Type is EngineEvent.Network)
        {
            // The engine tells of all networks, and leaves out their labels.
            if (attributes.GetValueOrDefault("name") == _machine.NetworkName && attributes.TryGetValue("container", out var left))
            {
                NetworkLost(left);
            }
        }
        else if (attributes.GetValueOrDefault(DockerLabels.Cluster) != _machine.Options.ClusterName)
        {
            // Somebody else's.
        }
        else if (!attributes.TryGetValue(DockerLabels.Container, out var name))
        {
            NetworkLost(happened.Actor.ID);
        }
        else if (attributes.TryGetValue(DockerLabels.Pod, out var podId) && _pods.TryGetValue(podId, out var pod)
            && pod.Keepers.FirstOrDefault(k => k.Container.Name == name) is { } keeper && keeper.Id == happened.Actor.ID)
        {
            keeper.Happened(happened.Action);
        }
    }

    // Of the network containers: the engine says that it ended, is gone, or left the cluster's network.
    private void NetworkLost(string id)
    {
        if (!_machine.Spares.Lost(id))
        {
            _pods.Values.FirstOrDefault(p => p.Network.Id == id)?.Network.Withdraw();
        }
    }
}
