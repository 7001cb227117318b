using System.Globalization;
using System.Security.Cryptography;
using Cortex.Core.Clusters;
using Cortex.Core.Specs;
using Cortex.Core.Units;
using Cortex.Core.Wire;
using Cortex.Runtimes;

namespace Cortex.Operator.Reconciling;

/// <summary>Makes the pods of an API: what Cortex 0.42 puts into a replica, without its sidecars.</summary>
/// <param name="cortexVersion">The version that containers see as <c>CORTEX_VERSION</c>.</param>
/// <param name="clientToken">The token of an API's containers; null for those that get none.</param>
internal sealed class PodFactory(string cortexVersion, Func<DeployedSpec, string?> clientToken)
{
    /// <summary>The requests that one replica of this pod takes at once, kept with the pod for the gateway.</summary>
    public const string MaxConcurrencyLabel = "maxConcurrency";

    // The node groups that the version allows, so that a replica in one that is not allowed any more is replaced.
    private const string NodeGroupsLabel = "nodeGroups";

    /// <summary>A new replica of the version.</summary>
    public PodDefinition Create(DeployedSpec spec)
    {
        var pod = spec.Pod ?? throw new ArgumentException($"{spec.Name} ({spec.Kind}) has no pod", nameof(spec));
        return new PodDefinition
        {
            Id = $"{spec.Name}-{RandomNumberGenerator.GetString("abcdefghijklmnopqrstuvwxyz0123456789", 8)}",
            Labels = new Dictionary<string, string>
            {
                [PodLabels.ApiName] = spec.Name,
                [PodLabels.ApiKind] = spec.Kind.ToString(),
                [PodLabels.ApiId] = spec.Id,
                [PodLabels.PodId] = spec.PodId,
                [PodLabels.DeploymentId] = spec.DeploymentId,
                [NodeGroupsLabel] = Text(spec.NodeGroups),
                [MaxConcurrencyLabel] = pod.MaxConcurrency.ToString(CultureInfo.InvariantCulture),
            },
            NodeGroups = spec.NodeGroups,
            Port = pod.Port,
            DefaultProbePort = NeedsDefaultProbe(pod) ? pod.Port : null,
            Files = new Dictionary<string, string> { ["/cortex/client/cli.yaml"] = ClientConfig(clientToken(spec)) },
            Containers = [.. pod.Containers.Select(container => CreateContainer(container, pod))],
        };
    }

    /// <summary>Whether a pod with these labels runs this version: same containers, on the same node groups, and no refresh since.</summary>
    public static bool IsLatest(IReadOnlyDictionary<string, string> labels, DeployedSpec spec) =>
        labels.GetValueOrDefault(PodLabels.PodId) == spec.PodId
        && labels.GetValueOrDefault(PodLabels.DeploymentId) == spec.DeploymentId
        && (labels.GetValueOrDefault(NodeGroupsLabel) is not { } groups || groups == Text(spec.NodeGroups));

    private static string Text(IReadOnlyList<string>? nodeGroups) => string.Join(',', nodeGroups ?? []);

    private static string ClientConfig(string? token) => $"""
        default_environment: default
        environments:
          - name: default
            operator_endpoint: http://{InsideNames.Operator}:{InsideNames.OperatorPort}
        {(token is null ? "" : $"    token: {token}\n")}
        """;

    // One rule for every kind: the port is dialled unless a probe of the user's already looks at it.
    private static bool NeedsDefaultProbe(PodSpec pod) => pod.Port is { } port && !pod.Containers.Any(container =>
        container.ReadinessProbe?.HttpGet?.Port == port || container.ReadinessProbe?.TcpSocket?.Port == port);

    private PodContainer CreateContainer(ContainerSpec container, PodSpec pod)
    {
        var own = LaunchText.OwnEnv(pod.Port, cortexVersion);
        var compute = container.Compute;
        return new PodContainer
        {
            Name = container.Name,
            Image = container.Image,
            Command = container.Command,
            Args = container.Args,
            Env = [.. own, .. container.Env.OrderBy(variable => variable.Key, StringComparer.Ordinal)],
            CpuMillis = compute.Cpu is null ? 0 : Quantity.Parse(compute.Cpu).MilliValue,
            MemoryBytes = compute.Mem is null ? 0 : Quantity.Parse(compute.Mem).Value,
            MemoryLimitBytes = compute.MemLimit is null ? 0 : Quantity.Parse(compute.MemLimit).Value,
            ShmBytes = compute.Shm is null ? 0 : Quantity.Parse(compute.Shm).Value,
            Gpus = compute.Gpu,
            ReadinessProbe = container.ReadinessProbe,
            LivenessProbe = container.LivenessProbe,
            PreStop = container.PreStop,
        };
    }
}
