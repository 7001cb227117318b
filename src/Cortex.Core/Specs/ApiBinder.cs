using System.Text.Json;
using Cortex.Core.Shapes;

namespace Cortex.Core.Specs;

/// <summary>Makes records of what was read without errors.</summary>
internal static class ApiBinder
{
    public static ApiSpec Bind(MapValue api, int index, string fileName, JsonElement submitted)
    {
        var name = api.Get<string>("name");
        var kind = Enum.Parse<ApiKind>(api.Get<string>("kind"));
        var pod = api.Find<MapValue>("pod") is { } podValue ? Pod(podValue) : null;
        return new ApiSpec
        {
            Name = name,
            Kind = kind,
            Pod = pod,
            NodeGroups = Texts(api, "node_groups"),
            Apis = api.Find<ListValue>("apis") is { } targets ? [.. targets.Of<MapValue>().Select(Target)] : null,
            Sticky = api.Find<MapValue>("sticky") is { } sticky ? new StickySpec { Header = sticky.Find<string>("header"), Cookie = sticky.Find<string>("cookie") } : null,
            Canary = api.Find<MapValue>("canary") is { } canary ? Canary(canary) : null,
            Networking = Networking(api.Get<MapValue>("networking"), name),
            Autoscaling = api.Find<MapValue>("autoscaling") is { } autoscaling ? Autoscaling(autoscaling, pod!.MaxConcurrency) : null,
            UpdateStrategy = api.Find<MapValue>("update_strategy") is { } strategy
                ? new UpdateStrategySpec(strategy.Get<string>("max_surge"), strategy.Get<string>("max_unavailable"))
                : null,
            Jobs = api.Find<MapValue>("jobs") is { } jobs ? Jobs(jobs) : null,
            Schedule = api.Find<MapValue>("schedule") is { } schedule ? Schedule(schedule) : null,
            Queue = api.Find<MapValue>("queue") is { } queue ? Queue(queue) : null,
            ClientAccess = api.Find<string>("client_access") is { } access ? Enum.Parse<ClientAccess>(access, ignoreCase: true) : null,
            Index = index,
            FileName = fileName,
            SubmittedApiSpec = submitted,
        };
    }

    private static NetworkingSpec Networking(MapValue networking, string name) => new(networking.Find<string>("endpoint") ?? "/" + name)
    {
        ClientIdleTimeout = networking.TryGet("client_idle_timeout", out TimeSpan client) ? client : null,
        StreamIdleTimeout = networking.TryGet("stream_idle_timeout", out TimeSpan stream) ? stream : null,
    };

    private static PodSpec Pod(MapValue pod) => new()
    {
        Port = pod.TryGet("port", out long port) ? (int)port : null,
        MaxConcurrency = pod.TryGet("max_concurrency", out long concurrency) ? concurrency : 0,
        MaxQueueLength = pod.TryGet("max_queue_length", out long queue) ? queue : 0,
        Containers = [.. pod.Get<ListValue>("containers").Of<MapValue>().Select(Container)],
    };

    private static ContainerSpec Container(MapValue container) => new()
    {
        Name = container.Get<string>("name"),
        Image = container.Get<string>("image"),
        Env = container.Get<SortedDictionary<string, string>>("env"),
        Command = Texts(container, "command"),
        Args = Texts(container, "args"),
        ReadinessProbe = container.Find<MapValue>("readiness_probe") is { } readiness ? Probe(readiness) : null,
        LivenessProbe = container.Find<MapValue>("liveness_probe") is { } liveness ? Probe(liveness) : null,
        PreStop = container.Find<MapValue>("pre_stop") is { } hook ? new PreStopSpec { HttpGet = HttpGet(hook), Exec = Exec(hook) } : null,
        Compute = Compute(container.Get<MapValue>("compute")),
    };

    private static ComputeSpec Compute(MapValue compute) => new()
    {
        Cpu = compute.Find<string>("cpu"),
        Mem = compute.Find<string>("mem"),
        MemLimit = compute.Find<string>("mem_limit"),
        Gpu = compute.Get<long>("gpu"),
        Inf = compute.Get<long>("inf"),
        Shm = compute.Find<string>("shm"),
    };

    private static ProbeSpec Probe(MapValue probe) => new()
    {
        HttpGet = HttpGet(probe),
        TcpSocket = probe.Find<MapValue>("tcp_socket") is { } tcp ? new TcpSocketSpec(tcp.Int32("port")) : null,
        Exec = Exec(probe),
        InitialDelaySeconds = probe.Int32("initial_delay_seconds"),
        TimeoutSeconds = probe.Int32("timeout_seconds"),
        PeriodSeconds = probe.Int32("period_seconds"),
        SuccessThreshold = probe.Int32("success_threshold"),
        FailureThreshold = probe.Int32("failure_threshold"),
    };

    private static HttpGetSpec? HttpGet(MapValue probe) =>
        probe.Find<MapValue>("http_get") is { } get ? new HttpGetSpec(get.Get<string>("path"), get.Int32("port")) : null;

    private static ExecSpec? Exec(MapValue probe) =>
        probe.Find<MapValue>("exec") is { } exec ? new ExecSpec(Texts(exec, "command")!) : null;

    private static AutoscalingSpec Autoscaling(MapValue autoscaling, long maxConcurrency)
    {
        var min = autoscaling.Int32("min_replicas");
        var freezes = autoscaling.Get<string>("idle") == "freeze";
        return new AutoscalingSpec
        {
            MinReplicas = min,
            MaxReplicas = autoscaling.Int32("max_replicas"),
            InitReplicas = autoscaling.TryGet("init_replicas", out long init) ? (int)init : min,
            TargetInFlight = autoscaling.TryGet("target_in_flight", out double target) ? target : maxConcurrency,
            Window = autoscaling.Get<TimeSpan>("window"),
            DownscaleStabilizationPeriod = autoscaling.Get<TimeSpan>("downscale_stabilization_period"),
            UpscaleStabilizationPeriod = autoscaling.Get<TimeSpan>("upscale_stabilization_period"),
            MaxDownscaleFactor = autoscaling.Get<double>("max_downscale_factor"),
            MaxUpscaleFactor = autoscaling.Get<double>("max_upscale_factor"),
            DownscaleTolerance = autoscaling.Get<double>("downscale_tolerance"),
            UpscaleTolerance = autoscaling.Get<double>("upscale_tolerance"),
            Burst = autoscaling.Get<bool>("burst"),
            TargetQueueAge = autoscaling.TryGet("target_queue_age", out TimeSpan age) ? age : null,
            Idle = freezes ? IdleReplicas.Freeze : IdleReplicas.Remove,
            FreezePeriod = freezes ? autoscaling.Get<TimeSpan>("freeze_period") : null,
        };
    }

    private static JobsSpec Jobs(MapValue jobs) => new()
    {
        MaxConcurrent = jobs.TryGet("max_concurrent", out long most) ? (int)most : null,
        Priority = jobs.Int32("priority"),
        MaxAttempts = jobs.TryGet("max_attempts", out long attempts) ? (int)attempts : null,
    };

    private static ScheduleSpec Schedule(MapValue schedule) => new()
    {
        Cron = schedule.Get<string>("cron"),
        TimeZone = schedule.Get<string>("time_zone"),
        Concurrency = schedule.Get<string>("concurrency") switch
        {
            "forbid" => ScheduleConcurrency.Forbid,
            "replace" => ScheduleConcurrency.Replace,
            _ => ScheduleConcurrency.Allow,
        },
        MissedRuns = schedule.Get<string>("missed_runs") == "skip" ? MissedRuns.Skip : MissedRuns.RunOnce,
        Job = schedule.Get<JsonElement>("job"),
    };

    private static QueueSpec Queue(MapValue queue) => new()
    {
        MaxAttempts = queue.Int32("max_attempts"),
        RetryBackoff = queue.Get<TimeSpan>("retry_backoff"),
        RetryBackoffMax = queue.Get<TimeSpan>("retry_backoff_max"),
        Timeout = queue.Get<TimeSpan>("timeout"),
        ResultRetention = queue.Get<TimeSpan>("result_retention"),
        MaxPayload = queue.Get<string>("max_payload"),
        MaxResult = queue.Get<string>("max_result"),
        MaxLostAttempts = queue.Int32("max_lost_attempts"),
    };

    private static TrafficSplitterTarget Target(MapValue target) =>
        new(target.Get<string>("name"), target.Int32("weight"), target.Get<bool>("shadow"));

    private static CanarySpec Canary(MapValue canary) => new()
    {
        To = canary.Get<string>("to"),
        Steps = [.. canary.Get<ListValue>("steps").Of<long>().Select(step => (int)step)],
        Every = canary.Get<TimeSpan>("every"),
        MaxErrorRate = canary.TryGet("max_error_rate", out double rate) ? rate : null,
        MaxP99 = canary.TryGet("max_p99", out TimeSpan longest) ? longest : null,
        MinRequests = canary.Int32("min_requests"),
    };

    private static IReadOnlyList<string>? Texts(MapValue map, string key) => map.Find<ListValue>(key)?.Of<string>();
}
