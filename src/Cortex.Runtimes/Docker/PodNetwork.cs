using System.Globalization;
using Cortex.Background;
using Cortex.Core.Specs;
using Cortex.Core.Wire;
using Cortex.Runtimes.Docker.Engine;
using Cortex.Runtimes.Probes;

namespace Cortex.Runtimes.Docker;

/// <summary>A pod's network container: had, started, watched, and the way to the pod's ports.</summary>
/// <param name="machine">The cluster's settings.</param>
/// <param name="definition">The pod.</param>
/// <param name="givesBack">Whether another pod may have it after this one.</param>
/// <param name="changed">Called after the pod's address has changed.</param>
/// <param name="trouble">Called with what is wrong, and with nothing once it is right again.</param>
internal sealed class PodNetwork(DockerMachine machine, PodDefinition definition, bool givesBack, Action changed, Action<string> trouble)
{
    /// <summary>After so many failed starts in a row a container is given up.</summary>
    private const int StartsTried = 3;

    private static readonly TimeSpan _retry = TimeSpan.FromMilliseconds(200);

    // A kernel learns nothing new.
    private static readonly TimeSpan _refused = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly Bell _lookAgain = new();
    private TaskCompletionSource<string> _created = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private string? _id;
    private ContainerSight _sight = ContainerSight.Missing;
    private IReadOnlyDictionary<int, PodAddress>? _published;
    private string? _ip;
    private bool _doubted;   // nothing is sent to the address until the engine says again that it is the pod's
    private int _pid;
    private bool _wasReached;
    private NetworkFiles? _files;
    private int _failedStarts;
    private bool _isNew;   // made by this process, and never joined

    /// <summary>The network container's id; null while there is none.</summary>
    public string? Id
    {
        get
        {
            lock (_lock)
            {
                return _id;
            }
        }
    }

    /// <summary>What its files were before other containers joined it, when this process made it for a pod that may give it back; else null.</summary>
    public NetworkFiles? Files
    {
        get
        {
            lock (_lock)
            {
                return _files;
            }
        }
    }

    /// <summary>The network container's id, once there is one.</summary>
    public Task<string> Created
    {
        get
        {
            lock (_lock)
            {
                return _created.Task;
            }
        }
    }

    private int Pid
    {
        get
        {
            lock (_lock)
            {
                return _pid;
            }
        }
    }

    private string Name => DockerLabels.Infra(machine.Options.ClusterName, definition.Id);

    /// <summary>Takes over the container that an earlier process gave the pod.</summary>
    public void Adopt(string id, ContainerSight sight)
    {
        Has(id, sight);
        _wasReached = sight is ContainerSight.Running;
    }

    /// <summary>Something may have happened to the container.</summary>
    public void LookAgain() => _lookAgain.Ring();

    /// <summary>The container has ended, or was taken off its network: its address may be somebody else's.</summary>
    public void Withdraw()
    {
        Set(() => _doubted = true);
        changed();
        LookAgain();
    }

    public async Task<bool> RunsAsync(CancellationToken cancellationToken)
    {
        var runs = Id is { } id && await machine.Engine.InspectContainerAsync(id, cancellationToken) is { State.Running: true };
        if (!runs)
        {
            LookAgain();
        }

        return runs;
    }

    /// <summary>Where this process reaches a port of the pod; null until that is known.</summary>
    public PodAddress? AddressOf(int port)
    {
        lock (_lock)
        {
            return _doubted ? null
                : _published is { } published
                ? published.TryGetValue(port, out var address) ? address : null
                : _ip is { } ip ? new PodAddress(ip, port) : null;
        }
    }

    /// <summary>Runs one check over the network, without a limit of its own.</summary>
    public async Task<ProbeResult> CheckAsync(ProbeSpec probe, CancellationToken cancellationToken)
    {
        var port = probe.HttpGet?.Port ?? probe.TcpSocket?.Port
            ?? throw new InvalidOperationException($"pod {definition.Id} has a probe without a handler");
        var reached = false;
        try
        {
            var result = AddressOf(port) is not { } address
                ? ProbeResult.Bad("the pod has no address yet")
                : probe.HttpGet is { } get
                    ? await machine.Checks.HttpAsync(address, get.Path, cancellationToken)
                    : await NetworkChecks.TcpAsync(address, machine.Loopback, machine.Time, cancellationToken);
            reached = result.Passed is true;
            return result.Passed is not false || machine.Loopback || !machine.BridgeIsLocal || !ListeningSockets.IsLoopbackOnly(Pid, port)
                ? result
                : ProbeResult.Bad($"port {port}: {ReplicaReasons.LoopbackOnly}, where nothing outside of its container reaches it; let it listen on 0.0.0.0");
        }
        finally
        {
            if (reached)
            {
                _wasReached = true;
            }
            else if (_wasReached)
            {
                // The engine tells nobody that it took a container off its network.
                LookAgain();
            }
        }
    }

    /// <summary>Makes the network container run. <paramref name="up"/> ends as soon as others may join it.</summary>
    public async Task BringUpAsync(TaskCompletionSource up, CancellationToken cancellationToken)
    {
        if (Id is null)
        {
            await GetAsync(cancellationToken);
        }

        if (_sight is not ContainerSight.Running)
        {
            await StartAsync(cancellationToken);
        }

        InspectedContainer? seen = null;
        if (_isNew && givesBack && machine.KeepsSpares)
        {
            seen = await machine.Engine.InspectContainerAsync(Id!, cancellationToken);
            var files = seen is null ? null : NetworkFiles.TryRead(seen);
            Set(() => _files = files);
        }

        _isNew = false;

        // The containers may start while the address is asked for.
        up.TrySetResult();
        seen ??= await machine.Engine.InspectContainerAsync(Id!, cancellationToken);
        Set(() =>
        {
            _doubted = false;
            _ip = seen is null ? null : AddressIn(seen);
            _pid = seen?.State.Pid ?? 0;
            _published = seen?.HostConfig?.PortBindings is { Count: > 0 } ? Published(seen.NetworkSettings?.Ports) : null;
        });
        if (seen is not { State.Running: true } || LacksAddress(_ip))
        {
            // A spare that ended, or lost its network, before this pod took it.
            LookAgain();
        }

        trouble("");
    }

    /// <summary>Ends when the network container no longer runs, or with the error of whatever else broke.</summary>
    public async Task LossAsync(Task fault, CancellationToken cancellationToken)
    {
        while (true)
        {
            await await Task.WhenAny(_lookAgain.WaitAsync(cancellationToken), fault);
            try
            {
                var seen = Id is { } id ? await machine.Engine.InspectContainerAsync(id, cancellationToken) : null;
                if (seen is not { State.Running: true })
                {
                    Lost(stillExists: seen is not null);
                    if (seen?.State.ExitCode is MetadataGuard.RefusedExitCode)
                    {
                        trouble("this machine's kernel can't keep containers from the addresses of the machine's credentials (it needs IP_MULTIPLE_TABLES and FIB_RULES); "
                            + "docker.reach_metadata: true lets them reach these");
                        await Task.Delay(_refused, machine.Time, cancellationToken);
                    }

                    return;
                }

                var ip = AddressIn(seen);
                if (LacksAddress(ip) || (_wasReached && ip is null && _ip is not null))
                {
                    // It was taken off its network, and its containers know this machine by that network's addresses.
                    await machine.Engine.RemoveContainerAsync(seen.Id, CancellationToken.None);
                    Lost(stillExists: false);
                    return;
                }

                if (_doubted || (_wasReached && ip != _ip))
                {
                    Set(() => (_ip, _doubted) = (ip, false));
                    changed();
                }
            }
            catch (Exception error) when (error is EngineException or RuntimeUnavailableException)
            {
                trouble(error.Message);
                await Task.Delay(_retry, machine.Time, cancellationToken);
                LookAgain();
            }
        }
    }

    /// <summary>A spare if there is one, else a new container.</summary>
    private async Task GetAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (await machine.Spares.ClaimAsync(definition.Id) is { } spare)
            {
                Has(spare.Id, ContainerSight.Running, spare.Files);
            }
            else
            {
                Has(await machine.CreateInfraAsync(Name, definition), ContainerSight.Created);
                _isNew = true;
            }
        }
        catch (EngineException error) when (error.Conflict)
        {
            // It has one: another process was faster, or an answer did not reach this one.
            if (await machine.Engine.InspectContainerAsync(Name, cancellationToken) is not { } seen)
            {
                throw;
            }

            Has(seen.Id, seen.State.Running ? ContainerSight.Running : ContainerSight.Created);
        }
    }

    private async Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            await machine.Engine.StartContainerAsync(Id!, cancellationToken);
            _sight = ContainerSight.Running;
            _failedStarts = 0;
        }
        catch (EngineException error) when (error.NotFound)
        {
            // Either it or the cluster's network was removed by hand: both can be made again.
            Lost(stillExists: await machine.Engine.InspectContainerAsync(Id!, cancellationToken) is not null);
            await machine.PrepareAsync(cancellationToken);
            throw;
        }
        catch (EngineException) when (++_failedStarts % StartsTried == 0)
        {
            // Forgotten first: whether it still has the name shows when the next one is made.
            var broken = Id!;
            Lost(stillExists: false);
            await machine.SetAsideAsync(broken, cancellationToken);
            throw;
        }
    }

    private bool LacksAddress(string? ip) => ip is null && !machine.Loopback;

    private void Has(string id, ContainerSight sight, NetworkFiles? files = null) => Set(() =>
    {
        _id = id;
        _files = files;
        _sight = sight;
        _created.TrySetResult(id);
    });

    private void Lost(bool stillExists) => Set(() =>
    {
        _wasReached = false;
        _sight = stillExists ? ContainerSight.Ended : ContainerSight.Missing;
        _ip = null;
        _published = null;
        if (!stillExists)
        {
            _id = null;
            _created = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    });

    // No `lock` stands in an async method itself, for the reason that ImagePuller gives.
    private void Set(Action change)
    {
        lock (_lock)
        {
            change();
        }
    }

    // On a network of somebody else's an address leads elsewhere.
    private string? AddressIn(InspectedContainer infra) =>
        infra.NetworkSettings?.Networks?.GetValueOrDefault(machine.NetworkName)?.IPAddress is { Length: > 0 } ip ? ip : null;

    private static Dictionary<int, PodAddress> Published(IReadOnlyDictionary<string, PortBinding[]?>? ports) =>
        (ports ?? new Dictionary<string, PortBinding[]?>())
            .Where(p => p.Value is { Length: > 0 })
            .ToDictionary(
                p => int.Parse(p.Key.Split('/')[0], CultureInfo.InvariantCulture),
                p => new PodAddress("127.0.0.1", int.Parse(p.Value![0].HostPort, CultureInfo.InvariantCulture)));
}
