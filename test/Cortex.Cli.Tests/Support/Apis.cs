using System.Text.Json;
using Cortex.Core.Specs;
using Cortex.Core.Wire;

namespace Cortex.Cli.Tests.Support;

/// <summary>Answers of an operator.</summary>
internal static class Apis
{
    public static readonly long Now = JumpingTime.Start.ToUnixTimeSeconds();

    public static ApiResponse Listed(string name, ApiKind kind = ApiKind.RealtimeAPI, int ready = 1, int requested = 1, int upToDate = 1, long age = 62) => new()
    {
        Metadata = new ApiMetadata { Name = name, Kind = kind, Id = $"{name}-id", DeploymentId = "abc", LastUpdated = Now - age },
        Status = kind is ApiKind.RealtimeAPI or ApiKind.AsyncAPI ? new ApiStatus { Ready = ready, Requested = requested, UpToDate = upToDate } : null,
        NumTrafficSplitterTargets = kind == ApiKind.TrafficSplitter ? 2 : null,
    };

    public static ApiResponse Detailed(string name, ApiKind kind = ApiKind.RealtimeAPI) => Listed(name, kind) with
    {
        Spec = Spec(name, kind),
        Endpoint = $"http://127.0.0.1:8889/{name}",
        DashboardUrl = kind == ApiKind.TrafficSplitter ? null : $"http://127.0.0.1:8888/dashboard?var-api_name={name}",
        NumTrafficSplitterTargets = null,
        ApiVersions = [new ApiVersion("newer", Now - 62), new ApiVersion("older", Now - 90000)],
    };

    public static ApiResponse Described(string name, ReplicaCounts counts, params string[] reasons) => Listed(name) with
    {
        Status = new ApiStatus { Ready = counts.Ready, Requested = counts.Requested, UpToDate = counts.Ready, ReplicaCounts = counts, Reasons = reasons.Length > 0 ? reasons : null },
        Endpoint = $"http://127.0.0.1:8889/{name}",
        DashboardUrl = "http://127.0.0.1:8888/dashboard",
    };

    public static DeployedSpec Spec(string name, ApiKind kind = ApiKind.RealtimeAPI) => new()
    {
        Name = name,
        Kind = kind,
        Id = $"{name}-id",
        SpecId = "spec",
        PodId = "pod",
        Networking = new NetworkingSpec($"/{name}"),
        Pod = kind == ApiKind.TrafficSplitter ? null : new PodSpec
        {
            Port = 8080,
            MaxConcurrency = 1,
            MaxQueueLength = 100,
            Containers =
            [
                new ContainerSpec
                {
                    Name = "api",
                    Image = "example/hello:1",
                    Env = new SortedDictionary<string, string> { ["GREETING"] = "yes", ["WHO"] = "world" },
                    Command = ["/bin/serve", "--port=8080"],
                    ReadinessProbe = new ProbeSpec { HttpGet = new HttpGetSpec("/ready", 8080) },
                    PreStop = new PreStopSpec { Exec = new ExecSpec(["sleep", "1"]) },
                    Compute = new ComputeSpec { Mem = "512Mi", Gpu = 1 },
                },
            ],
        },
        Apis = kind == ApiKind.TrafficSplitter ? [new TrafficSplitterTarget("a", 80, false), new TrafficSplitterTarget("b", 20, true)] : null,
        Autoscaling = kind is ApiKind.RealtimeAPI or ApiKind.AsyncAPI ? new AutoscalingSpec() : null,
        UpdateStrategy = kind is ApiKind.RealtimeAPI or ApiKind.AsyncAPI ? new UpdateStrategySpec("25%", "25%") : null,
        SubmittedApiSpec = JsonDocument.Parse($$$"""{"name":"{{{name}}}","kind":"{{{kind}}}","pod":{"containers":[{"name":"api","image":"example/hello:1","env":{"VERSION":"1.10"}}]}}""").RootElement,
    };

    public static InfoResponse Info(string cluster = "cortex", bool gatewayIsHealthy = true) => new()
    {
        ClusterConfig = JsonDocument.Parse($$"""{"cluster_name":"{{cluster}}","region":"local","operator_port":8888,"node_groups":[],"api_version":"1.0.0","operator_id":"op","cluster_id":"cl","is_operator_in_cluster":false,"cluster_uid":"u"}""").RootElement,
        WorkerNodeInfos =
        [
            new WorkerNodeInfo
            {
                NodegroupName = "local",
                InstanceType = "local",
                Name = "this-machine",
                NumReplicas = 2,
                ComputeUserCapacity = new NodeCompute("8", "16Gi", 0, 0),
                ComputeAvailable = new NodeCompute("7600m", "15Gi", 0, 0),
                ComputeUserRequested = new NodeCompute("400m", "1Gi", 0, 0),
            },
        ],
        OperatorNodeInfos = [],
        NumPendingReplicas = 1,
        EndpointApi = "http://127.0.0.1:8889",
        Health = new Dictionary<string, bool> { ["operator"] = true, ["apis_gateway"] = gatewayIsHealthy },
        UptimeSeconds = 5,
    };
}
