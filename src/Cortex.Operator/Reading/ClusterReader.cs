using System.Globalization;
using Cortex.Core.Wire;
using Cortex.Operator.Deploying;
using Cortex.Runtimes;

namespace Cortex.Operator.Reading;

/// <summary>Answers questions about the cluster as a whole.</summary>
internal sealed class ClusterReader(ApiReader reader, IContainerRuntime runtime, OperatorOptions options, string clusterId, TimeProvider time)
{
    private readonly long _started = time.GetTimestamp();

    /// <summary>Configuration, machine, health.</summary>
    public async Task<InfoResponse> InfoAsync(CancellationToken cancellationToken)
    {
        RuntimeCapacity? capacity;
        try
        {
            capacity = await runtime.GetCapacityAsync(cancellationToken);
        }
        catch (RuntimeUnavailableException)
        {
            // Health says so; the rest of the answer is still worth having.
            capacity = null;
        }

        var pods = runtime.List();
        var pending = pods.Count(pod => pod.State is PodState.Pending or PodState.Stalled);
        var group = reader.NodeGroups[0];
        return new InfoResponse
        {
            ClusterConfig = options.Cluster.ToInfo(options.Version, operatorId: clusterId, clusterId, isOperatorInCluster: true),
            WorkerNodeInfos = capacity is null ? [] :
            [
                new WorkerNodeInfo
                {
                    NodegroupName = group,
                    InstanceType = ClusterViews.LocalGroup,
                    Name = Environment.MachineName,
                    NumReplicas = pods.Count(pod => pod.State != PodState.Frozen) - pending,
                    ComputeUserCapacity = Compute(capacity.CpuMillis, capacity.MemoryBytes, capacity.Gpus),
                    ComputeAvailable = Compute(capacity.CpuMillis - capacity.CpuMillisReserved, capacity.MemoryBytes - capacity.MemoryBytesReserved, capacity.Gpus - capacity.GpusReserved),
                    ComputeUserRequested = Compute(capacity.CpuMillisReserved, capacity.MemoryBytesReserved, capacity.GpusReserved),
                },
            ],
            OperatorNodeInfos = [new NodeInfo { NodegroupName = group, InstanceType = ClusterViews.LocalGroup }],
            NumPendingReplicas = pending,
            EndpointApi = options.ApiBaseUrl,
            Health = new SortedDictionary<string, bool>(StringComparer.Ordinal)
            {
                ["operator"] = true,
                ["apis_gateway"] = true,
                ["runtime"] = capacity is not null,
            },
            UptimeSeconds = time.GetElapsedTime(_started).TotalSeconds,
        };
    }

    private static NodeCompute Compute(long cpuMillis, long memoryBytes, long gpus) => new(
        string.Create(CultureInfo.InvariantCulture, $"{cpuMillis}m"),
        string.Create(CultureInfo.InvariantCulture, $"{memoryBytes / (1024 * 1024)}Mi"),
        gpus, Inf: 0);
}
