using System.Globalization;
using Cortex.Core.Errors;
using Cortex.Core.Specs;
using Cortex.Runtimes.Docker.Engine;

namespace Cortex.Runtimes.Docker;

/// <summary>Turns a pod's definition into what the engine is asked to create. Pure.</summary>
internal static class ContainerPlan
{
    private const string HostName = "HOSTNAME";
    private const string NoNewPrivileges = "no-new-privileges";

    // The least that Docker takes as a limit.
    private const long MemoryLimitMin = 6 << 20;

    /// <summary>The container that holds a pod's network.</summary>
    /// <param name="pod">The pod; null for one that any pod may take later.</param>
    /// <param name="machine">The cluster's settings.</param>
    public static CreateContainer Infra(PodDefinition? pod, DockerMachine machine)
    {
        var ports = machine.Loopback && pod is not null ? Ports(pod).Select(p => $"{p}/tcp").ToList() : [];
        return new CreateContainer
        {
            Image = InfraImage.Name,
            Entrypoint = machine.Options.ReachMetadata ? null : [InfraImage.Guard],

            // A spare can't know it, and whether a pod's name is its host name must not depend on whether there was a spare.
            Hostname = machine.KeepsSpares ? null : pod?.Id,
            Labels = machine.Labels(),
            ExposedPorts = ports.Count > 0 ? ports.ToDictionary(p => p, _ => new Empty()) : null,
            HostConfig = new HostConfig
            {
                NetworkMode = machine.NetworkName,
                ExtraHosts = [.. machine.Options.HostAliases.Select(name => $"{name}:{machine.Gateway}")],
                PortBindings = ports.Count > 0 ? ports.ToDictionary(p => p, _ => (PortBinding[]?)[new PortBinding("127.0.0.1", "")]) : null,
                LogConfig = new LogConfig("none", null),

                // Its one program makes a handful of system calls and takes nothing from anybody: compiling a filter of
                // system calls for it makes its start longer and protects nothing.
                CapDrop = ["ALL"],
                CapAdd = machine.Options.ReachMetadata ? null : ["NET_ADMIN"],
                SecurityOpt = [NoNewPrivileges, "seccomp=unconfined"],
            },
        };
    }

    /// <summary>The network mode of a container that shares the network container's namespace.</summary>
    public static string JoinedMode(string infraId) => $"container:{infraId}";

    /// <summary>One of the user's containers.</summary>
    /// <param name="pod">Its pod.</param>
    /// <param name="container">The container.</param>
    /// <param name="machine">The cluster's settings.</param>
    /// <param name="infraId">The pod's network container.</param>
    /// <param name="nodeGroup">The node group that the pod takes its room from, if any.</param>
    /// <param name="gpus">The GPUs that the container gets.</param>
    /// <param name="image">What the image runs by itself; null when it is not known.</param>
    /// <exception cref="CortexException">Linux starts no program with so long an argument or variable.</exception>
    public static CreateContainer User(
        PodDefinition pod, PodContainer container, DockerMachine machine, string infraId, string? nodeGroup, IReadOnlyList<string> gpus, ImageConfig? image)
    {
        var labels = machine.Labels(pod.Id);
        labels[DockerLabels.Container] = container.Name;
        if (nodeGroup is not null)
        {
            labels[DockerLabels.NodeGroup] = nodeGroup;
        }

        var launch = LaunchText.Expand(container.Env, container.Command, container.Args, out var fault)
            ?? throw new CortexException("spec.launch_text_too_long", $"{fault!.Path} {fault.Detail}");
        var memory = MemoryLimit(container, machine);
        return new CreateContainer
        {
            Image = container.Image,
            Entrypoint = launch.Command,
            Cmd = launch.Args ?? (launch.Command is null ? null : []),
            Env = Environment(pod, launch.Env),
            Labels = labels,
            HostConfig = new HostConfig
            {
                NetworkMode = JoinedMode(infraId),
                Mounts = Mounts(pod, machine),
                LogConfig = new LogConfig("json-file", new Dictionary<string, string>
                {
                    ["max-size"] = machine.Options.LogFileBytes.ToString(CultureInfo.InvariantCulture),
                    ["max-file"] = machine.Options.LogFiles.ToString(CultureInfo.InvariantCulture),
                }),
                // As Kubernetes: 1024 shares a processor, and 2 for a container that asks for none.
                CpuShares = Math.Clamp(container.CpuMillis * 1024 / 1000, 2, 262144),
                Memory = memory,
                MemorySwap = memory,
                OomScoreAdj = OomScore(container, machine),
                PidsLimit = machine.Options.PidsLimit > 0 ? machine.Options.PidsLimit : null,
                CapDrop = ["ALL"],
                CapAdd = [.. ContainerRights.Capabilities.Union(machine.Options.AddedCapabilities)],
                SecurityOpt = machine.Options.NewPrivileges ? null : [NoNewPrivileges],
                Init = machine.UsesInit && !ContainerInit.BringsOwn(launch.Command ?? [.. image?.Entrypoint ?? [], .. launch.Args ?? image?.Cmd ?? []]),
                ShmSize = container.ShmBytes,
                DeviceRequests = gpus.Count > 0 ? [new DeviceRequest("nvidia", gpus, [["gpu"]])] : null,
            },
        };
    }

    /// <summary>The memory that a container itself is held to; 0 for whatever the machine can spare.</summary>
    public static long OwnMemoryLimit(PodContainer container, DockerMachine machine) =>
        container.MemoryLimitBytes > 0 ? container.MemoryLimitBytes
        : machine.Options.MemoryLimitFactor is { } factor ? (long)(container.MemoryBytes * factor)
        : 0;

    private static long MemoryLimit(PodContainer container, DockerMachine machine)
    {
        var own = OwnMemoryLimit(container, machine);
        var limit = own > 0 && (machine.SpareMemory == 0 || own < machine.SpareMemory) ? own : machine.SpareMemory;
        return limit > 0 ? Math.Max(MemoryLimitMin, limit) : 0;
    }

    /// <summary>
    /// Whom the kernel ends when the whole machine is out of memory, as Kubernetes sets it: a container before all else, and of several that one which
    /// is furthest above what it asked for.
    /// </summary>
    private static int OomScore(PodContainer container, DockerMachine machine) =>
        machine.MemoryBytes > 0 && container.MemoryBytes > 0 ? (int)Math.Clamp(1000 - (1000.0 * container.MemoryBytes / machine.MemoryBytes), 2, 999) : 1000;

    /// <summary>Ports that a pod is known to serve: for requests, probes and hooks.</summary>
    public static IEnumerable<int> Ports(PodDefinition pod)
    {
        var handlers = pod.Containers.SelectMany(c => new[]
        {
            c.ReadinessProbe?.HttpGet?.Port, c.ReadinessProbe?.TcpSocket?.Port,
            c.LivenessProbe?.HttpGet?.Port, c.LivenessProbe?.TcpSocket?.Port, c.PreStop?.HttpGet?.Port,
        });
        return handlers.Append(pod.Port).Append(pod.DefaultProbePort).OfType<int>().Distinct().Order();
    }

    private static List<Mount> Mounts(PodDefinition pod, DockerMachine machine)
    {
        // An image's own content of these directories must not show: they begin empty. The labels are those of a volume
        // that somebody has removed and the engine makes anew.
        return
        [
            .. DockerLabels.Volumes.Select(name => DockerLabels.Volume(machine.Options.ClusterName, pod.Id, name)).Select((volume, i) =>
                new Mount("volume", volume, $"/{DockerLabels.Volumes[i]}", new VolumeOptions(NoCopy: true, i == 0 ? machine.RecordLabels(pod) : machine.Labels(pod.Id)))),
        ];
    }

    private static List<string> Environment(PodDefinition pod, IReadOnlyList<KeyValuePair<string, string>> env)
    {
        // As Kubernetes: the pod's name, whatever its host name is. Not among the variables that a value may refer to.
        var own = env.Any(variable => variable.Key == HostName) ? Enumerable.Empty<string>() : [$"{HostName}={pod.Id}"];
        return [.. own, .. env.Select(variable => $"{variable.Key}={variable.Value}")];
    }
}
