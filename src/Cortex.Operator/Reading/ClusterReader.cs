using System.Globalization;
using Cortex.Core.Wire;
using Cortex.Operator.Access;
using Cortex.Operator.Deploying;
using Cortex.Queues;
using Cortex.Runtimes;

namespace Cortex.Operator.Reading;

/// <summary>Answers questions about the cluster as a whole.</summary>
internal sealed class ClusterReader(ApiReader reader, IContainerRuntime runtime, IQueueStore queues, OperatorOptions options, string clusterId, TimeProvider time)
{
    private readonly long _started = time.GetTimestamp();

    /// <summary>Configuration, machine, health; containers that may not see all learn whose cluster it is, and of which version.</summary>
    public async Task<InfoResponse> InfoAsync(Caller caller, CancellationToken cancellationToken)
    {
        if (!caller.IsAdmin)
        {
            return Brief();
        }

        var capacity = await runtime.GetCapacityAsync(cancellationToken);
        var trouble = runtime.Trouble;
        var pods = runtime.List();
        var pending = pods.Count(pod => pod.State is PodState.Pending or PodState.Stalled);
        var group = reader.NodeGroups.Count > 0 ? reader.NodeGroups[0].Name : ClusterViews.LocalGroup;
        return new InfoResponse
        {
            ClusterConfig = options.Cluster.ToInfo(options.Version, operatorId: clusterId, clusterId, isOperatorInCluster: true),
            WorkerNodeInfos = reader.NodeGroups.Any(each => each.Resources is not null) ? [.. capacity.NodeGroups.Select(room => Share(room, pods.Count(pod => pod.NodeGroup == room.Name && pod.State != PodState.Frozen)))]
                : [Machine(capacity, group, pods.Count(pod => pod.State != PodState.Frozen) - pending)],
            OperatorNodeInfos = [new NodeInfo { NodegroupName = group, InstanceType = ClusterViews.LocalGroup }],
            NumPendingReplicas = pending,
            EndpointApi = options.ApiBaseUrl,
            Health = new SortedDictionary<string, bool>(StringComparer.Ordinal)
            {
                ["operator"] = true,
                ["apis_gateway"] = true,
                ["runtime"] = trouble is null,
                ["queues"] = queues.Damage is null,
            },
            HealthMessages = Messages(trouble?.Message),
            UptimeSeconds = time.GetElapsedTime(_started).TotalSeconds,
        };
    }

    private InfoResponse Brief() => new()
    {
        ClusterConfig = options.Cluster.ToIdentity(options.Version, operatorId: clusterId, clusterId, isOperatorInCluster: true),
        WorkerNodeInfos = [],
        OperatorNodeInfos = [],
        NumPendingReplicas = 0,
        EndpointApi = options.ApiBaseUrl,
        Health = new SortedDictionary<string, bool>(StringComparer.Ordinal) { ["operator"] = true },
        UptimeSeconds = time.GetElapsedTime(_started).TotalSeconds,
    };

    private SortedDictionary<string, string>? Messages(string? runtime)
    {
        var messages = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (part, message) in new[] { ("runtime", runtime), ("queues", queues.Damage) })
        {
            if (message is not null)
            {
                messages.Add(part, message);
            }
        }

        return messages.Count > 0 ? messages : null;
    }

    private static WorkerNodeInfo Machine(RuntimeCapacity all, string group, int replicas) => new()
    {
        NodegroupName = group,
        InstanceType = ClusterViews.LocalGroup,
        Name = Environment.MachineName,
        NumReplicas = replicas,
        ComputeUserCapacity = Compute(all.CpuMillis, all.MemoryBytes, all.Gpus),
        ComputeAvailable = Compute(all.CpuMillis - all.CpuMillisReserved, all.MemoryBytes - all.MemoryBytesReserved, all.Gpus - all.GpusReserved),
        ComputeUserRequested = Compute(all.CpuMillisReserved, all.MemoryBytesReserved, all.GpusReserved),
    };

    // One entry for each group, all of them of one machine: what is taken of the machine itself can be less than a group has left.
    private WorkerNodeInfo Share(NodeGroupRoom room, int replicas) => new()
    {
        NodegroupName = room.Name,
        InstanceType = reader.NodeGroups.FirstOrDefault(group => group.Name == room.Name)?.InstanceType ?? ClusterViews.LocalGroup,
        Name = Environment.MachineName,
        NumReplicas = replicas,
        ComputeUserCapacity = Compute(room.CpuMillis, room.MemoryBytes, room.Gpus),
        ComputeAvailable = Compute(room.CpuMillis - room.CpuMillisReserved, room.MemoryBytes - room.MemoryBytesReserved, room.Gpus - room.GpusReserved),
        ComputeUserRequested = Compute(room.CpuMillisReserved, room.MemoryBytesReserved, room.GpusReserved),
    };

    private static NodeCompute Compute(long cpuMillis, long memoryBytes, long gpus) => new(
        string.Create(CultureInfo.InvariantCulture, $"{cpuMillis}m"),
        string.Create(CultureInfo.InvariantCulture, $"{memoryBytes / (1024 * 1024)}Mi"),
        gpus, Inf: 0);
}
