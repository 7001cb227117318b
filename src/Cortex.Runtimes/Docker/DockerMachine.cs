using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Cortex.Runtimes.Docker.Engine;
using Cortex.Runtimes.Probes;
using Cortex.Runtimes.Supervision;
using Microsoft.Extensions.Logging;

namespace Cortex.Runtimes.Docker;

/// <summary>What all pods of one runtime share.</summary>
internal sealed class DockerMachine : IDisposable
{
    // What the engine says of an init that it can't run.
    private const string NoInit = "N/A";

    private readonly CancellationTokenSource _closing = new();
    private readonly SemaphoreSlim _preparing = new(1);
    private bool _saidNoInit;

    public DockerMachine(DockerRuntimeOptions options, TimeProvider time, ILogger logger)
    {
        Options = options;
        Time = time;
        Logger = logger;
        Engine = new DockerEngine(options.EffectiveSocketPath, options.CallTimeout, time, options.ParallelStarts);
        var credentials = new RegistryCredentials(options.EffectiveDockerConfigPath, options.CredentialHelperTimeout, time);
        Images = new ImagePuller(Engine, credentials, options.PullTimeout, time, _closing.Token);
        Spares = new SpareNetworks(this);
        Network = new ClusterNetwork(this);
    }

    public DockerRuntimeOptions Options { get; }

    public TimeProvider Time { get; }

    public ILogger Logger { get; }

    public DockerEngine Engine { get; }

    public ImagePuller Images { get; }

    public NetworkChecks Checks { get; } = new();

    /// <summary>Network containers that no pod has taken yet.</summary>
    public SpareNetworks Spares { get; }

    /// <summary>The cluster's network.</summary>
    public ClusterNetwork Network { get; }

    /// <summary>The GPUs and who holds them.</summary>
    public GpuLedger Gpus { get; } = new();

    public EngineVersion Version { get; private set; } = new();

    /// <summary>Whether a process of a container has been seen by its number: the engine runs on this machine.</summary>
    public bool SeesProcesses { get; set; }

    /// <summary>Fires when the runtime closes: what it has begun is left to the engine and the next process.</summary>
    public CancellationToken Closing => _closing.Token;

    public string NetworkName => DockerLabels.Network(Options.ClusterName);

    /// <summary>This machine's address on the cluster's network.</summary>
    public string Gateway { get; private set; } = "";

    public bool BridgeIsLocal { get; private set; }

    /// <summary>The machine's memory; 0 before it is known.</summary>
    public long MemoryBytes { get; private set; }

    /// <summary>Of it, what pods may use; 0 where nobody knows how much that is.</summary>
    public long SpareMemory => Math.Max(0, MemoryBytes - Options.MemoryReserveBytes);

    /// <summary>Whether the engine's init is to be a container's first process where its image brings none.</summary>
    public bool UsesInit { get; private set; }

    /// <summary>Whether pods are reached at published ports of 127.0.0.1.</summary>
    public bool Loopback { get; private set; }

    /// <summary>Whether network containers are kept ready. A published port must be known when the container is made, so not with those.</summary>
    public bool KeepsSpares => Options.SpareNetworks > 0 && !Loopback;

    public async Task ConnectAsync(CancellationToken cancellationToken) => Version = await Engine.ConnectAsync(cancellationToken);

    /// <summary>Makes the infra image and the network, where they are missing.</summary>
    public async Task PrepareAsync(CancellationToken cancellationToken)
    {
        // When the network is gone every pod comes here at the same time, and the engine would make several of one name.
        await _preparing.WaitAsync(cancellationToken);
        try
        {
            await InfraImage.EnsureAsync(Engine, Version.Arch, cancellationToken);
            Gateway = await Network.EnsureAsync(cancellationToken);
            BridgeIsLocal = IsOurs(Gateway);
            Loopback = Options.AddressMode switch
            {
                AddressMode.Bridge => false,
                AddressMode.Loopback => true,
                _ => !BridgeIsLocal,
            };
        }
        finally
        {
            _preparing.Release();
        }
    }

    /// <summary>Takes in what the engine says of itself.</summary>
    public void Learn(EngineInfo info)
    {
        MemoryBytes = info.MemTotal;
        UsesInit = Options.UseInit && info.InitCommit?.ID is not NoInit;
        if (Options.UseInit && !UsesInit && !_saidNoInit)
        {
            _saidNoInit = true;
            Logger.NoInit();
        }
    }

    /// <summary>Writes a pod's record, or gives the one that is there.</summary>
    /// <remarks>Never cancelled by the caller: a record that the engine writes all the same would be left behind.</remarks>
    public Task<Volume> RecordAsync(PodDefinition pod) =>
        Engine.CreateVolumeAsync(DockerLabels.Record(Options.ClusterName, pod.Id), RecordLabels(pod), CancellationToken.None);

    /// <summary>Creates a network container.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="pod">The pod that it is for; null for a spare.</param>
    /// <exception cref="EngineException">409: the name is taken.</exception>
    public async Task<string> CreateInfraAsync(string name, PodDefinition? pod)
    {
        var plan = ContainerPlan.Infra(pod, this);
        try
        {
            // Never cancelled by the caller: a container that the engine makes all the same would be left behind.
            return await Engine.CreateContainerAsync(name, plan, CancellationToken.None);
        }
        catch (EngineException error) when (error.NotFound)
        {
            // Somebody removed the image.
            await PrepareAsync(CancellationToken.None);
            return await Engine.CreateContainerAsync(name, plan, CancellationToken.None);
        }
    }

    /// <summary>Asks a container to end, and kills it at the deadline. Returns when it does not run.</summary>
    /// <remarks>
    /// By a signal and a wait, and not by the engine's own call for both: that one takes as long as the program likes, so nobody could tell a slow engine
    /// from a slow program.
    /// </remarks>
    public async Task StopAsync(string id, Deadline deadline, CancellationToken cancellationToken)
    {
        try
        {
            if (deadline.Left(Time) > TimeSpan.Zero)
            {
                // Its image may want another signal than the usual one.
                var seen = await Engine.InspectContainerAsync(id, cancellationToken);
                await Engine.KillContainerAsync(id, cancellationToken, seen?.Config.StopSignal is { Length: > 0 } signal ? signal : "SIGTERM");
            }

            if (!await EndsAsync(id, deadline.Left(Time), cancellationToken))
            {
                await Engine.KillContainerAsync(id, cancellationToken);
                if (!await EndsAsync(id, Options.CallTimeout, cancellationToken))
                {
                    throw new RuntimeUnavailableException($"Docker Engine did not end container {id} within {Options.CallTimeout.TotalSeconds:0} s after SIGKILL");
                }
            }
        }
        catch (EngineException error) when (error.NotFound || error.Conflict)
        {
            // It has ended already.
        }
    }

    private async Task<bool> EndsAsync(string id, TimeSpan patience, CancellationToken cancellationToken)
    {
        using var limit = new CallLimit(patience, Time, cancellationToken);
        try
        {
            await Engine.WaitForEndAsync(id, limit.Token);
            return true;
        }
        catch (OperationCanceledException) when (limit.TimedOut && !cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    /// <summary>Frees the name of a container that the engine can't start, and has the container removed as soon as the engine is able to.</summary>
    /// <remarks>
    /// Something that was started while Docker ended may still run when it is back, unknown to it: then the container's process can be neither
    /// started again ("already exists") nor removed ("busy") until Docker or the machine starts anew.
    /// </remarks>
    public async Task SetAsideAsync(string id, CancellationToken cancellationToken)
    {
        var name = DockerLabels.NewSpare(Options.ClusterName);
        Logger.SetAside(id, name);
        try
        {
            await Engine.RenameContainerAsync(id, name, cancellationToken);
        }
        finally
        {
            // It may have been done although the answer was lost.
            Spares.Leftover([name]);
        }
    }

    /// <summary>
    /// Removes every container and volume of a pod. Repeatable, also by the next process: the network container, which
    /// carries the mark of deletion, is the last to go.
    /// </summary>
    /// <param name="podId">The pod.</param>
    /// <param name="infraId">Its network container, which may be one that carries the mark of deletion.</param>
    /// <param name="files">What the network container's files were before the pod had it; with them it may serve another pod.</param>
    /// <param name="cancellationToken">Ends the removal half-way.</param>
    public async Task RemovePodAsync(string podId, string? infraId, NetworkFiles? files, CancellationToken cancellationToken)
    {
        var containers = await Engine.ListContainersAsync(
            cancellationToken, $"{DockerLabels.Cluster}={Options.ClusterName}", $"{DockerLabels.Pod}={podId}");
        await Task.WhenAll(containers.Select(c => Engine.RemoveContainerAsync(c.Id, cancellationToken)));
        string[] marks = [DockerLabels.FrozenMark(Options.ClusterName, podId), DockerLabels.ReadyMark(Options.ClusterName, podId)];
        await Task.WhenAll(marks.Concat(DockerLabels.Volumes.Select(v => DockerLabels.Volume(Options.ClusterName, podId, v)))
            .Select(volume => Engine.RemoveVolumeAsync(volume, cancellationToken)));
        if (files is null || infraId is null || !await Spares.ReturnAsync(infraId, files))
        {
            await Engine.RemoveContainerAsync(infraId ?? DockerLabels.Infra(Options.ClusterName, podId), cancellationToken);
        }
    }

    /// <summary>Labels of everything that belongs to the cluster.</summary>
    public Dictionary<string, string> Labels() => new(StringComparer.Ordinal) { [DockerLabels.Cluster] = Options.ClusterName };

    /// <summary>Labels of everything that belongs to a pod.</summary>
    public Dictionary<string, string> Labels(string podId)
    {
        var labels = Labels();
        labels[DockerLabels.Pod] = podId;
        return labels;
    }

    /// <summary>Labels of a pod's record.</summary>
    public Dictionary<string, string> RecordLabels(PodDefinition pod)
    {
        var labels = Labels(pod.Id);
        labels[DockerLabels.Definition] = JsonSerializer.Serialize(pod, PodJson.Default.PodDefinition);
        return labels;
    }

    /// <summary>Ends pulls that are under way.</summary>
    public void Close() => _closing.Cancel();

    public void Dispose()
    {
        Checks.Dispose();
        Engine.Dispose();
        _preparing.Dispose();
        _closing.Dispose();
    }

    // Asked by binding to it: to list the interfaces fails when one of them, of a container for instance, goes meanwhile.
    private static bool IsOurs(string address)
    {
        if (!IPAddress.TryParse(address, out var wanted))
        {
            return false;
        }

        using var socket = new Socket(wanted.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            socket.Bind(new IPEndPoint(wanted, 0));
            return true;
        }
        catch (SocketException error) when (error.SocketErrorCode is SocketError.AddressNotAvailable)
        {
            return false;
        }
    }
}
