using System.Globalization;
using Cortex.Core.Specs;
using Cortex.Runtimes.Docker.Engine;

namespace Cortex.Runtimes.Docker;

/// <summary>Turns a pod's definition into what the engine is asked to create. Pure.</summary>
internal static class ContainerPlan
{
    /// <summary>The container that holds the pod's network and its definition.</summary>
    public static CreateContainer Infra(PodDefinition pod, DockerMachine machine, string definitionJson)
    {
        var ports = machine.Loopback ? Ports(pod).Select(p => $"{p}/tcp").ToList() : [];
        var labels = machine.Labels(pod.Id);
        labels[DockerLabels.Definition] = definitionJson;
        return new CreateContainer
        {
            Image = InfraImage.Name,
            Hostname = pod.Id,
            Labels = labels,
            ExposedPorts = ports.Count > 0 ? ports.ToDictionary(p => p, _ => new Empty()) : null,
            HostConfig = new HostConfig
            {
                NetworkMode = machine.NetworkName,
                ExtraHosts = [.. machine.Options.HostAliases.Select(name => $"{name}:{machine.Gateway}")],
                PortBindings = ports.Count > 0 ? ports.ToDictionary(p => p, _ => (PortBinding[]?)[new PortBinding("127.0.0.1", "")]) : null,
                LogConfig = new LogConfig("none", null),

                // Its one program makes one system call for ever, with no rights and no privileges: compiling a filter of
                // system calls for it makes its start longer and protects nothing.
                CapDrop = ["ALL"],
                SecurityOpt = ["no-new-privileges", "seccomp=unconfined"],
            },
        };
    }

    /// <summary>The network mode of a container that shares the network container's namespace.</summary>
    public static string JoinedMode(string infraId) => $"container:{infraId}";

    /// <summary>One of the user's containers.</summary>
    public static CreateContainer User(PodDefinition pod, PodContainer container, DockerMachine machine, string infraId, IReadOnlyList<string> gpus)
    {
        var labels = machine.Labels(pod.Id);
        labels[DockerLabels.Container] = container.Name;
        var env = Environment(container, out var variables);
        var command = Expand(container.Command, variables);
        var args = Expand(container.Args, variables);
        return new CreateContainer
        {
            Image = container.Image,
            Entrypoint = command,
            Cmd = args ?? (command is null ? null : []),
            Env = env,
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
                Memory = container.MemoryBytes,
                MemorySwap = container.MemoryBytes,
                ShmSize = container.ShmBytes,
                DeviceRequests = gpus.Count > 0 ? [new DeviceRequest("nvidia", gpus, [["gpu"]])] : null,
            },
        };
    }

    /// <summary>Every port that this process connects to: for requests, probes and hooks.</summary>
    private static IEnumerable<int> Ports(PodDefinition pod)
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
        // An image's own content of these directories must not show: they begin empty.
        var options = new VolumeOptions(NoCopy: true, machine.Labels(pod.Id));
        return
        [
            .. DockerLabels.Volumes.Select(name =>
                new Mount("volume", DockerLabels.Volume(machine.Options.ClusterName, pod.Id, name), $"/{name}", options)),
        ];
    }

    private static List<string> Environment(PodContainer container, out Dictionary<string, string> variables)
    {
        variables = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in container.Env)
        {
            variables[name] = VariableExpansion.Expand(value, variables);
        }

        return [.. variables.Select(v => $"{v.Key}={v.Value}")];
    }

    private static List<string>? Expand(IReadOnlyList<string>? words, Dictionary<string, string> variables) =>
        words is { Count: > 0 } ? [.. words.Select(w => VariableExpansion.Expand(w, variables))] : null;
}
