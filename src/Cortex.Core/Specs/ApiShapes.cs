using Cortex.Core.Errors;
using Cortex.Core.Shapes;
using Cortex.Core.Units;

namespace Cortex.Core.Specs;

/// <summary>The configuration file of APIs: every key, of every kind, with its bounds, default and meaning.</summary>
internal static class ApiShapes
{
    private const string Realtime = nameof(ApiKind.RealtimeAPI);
    private const string Async = nameof(ApiKind.AsyncAPI);
    private const string Batch = nameof(ApiKind.BatchAPI);
    private const string Task = nameof(ApiKind.TaskAPI);
    private const string Splitter = nameof(ApiKind.TrafficSplitter);

    // Longer than any time that means something, and short enough for every timer: 30 days.
    private const long MostSeconds = 30 * 24 * 3600;
    private const string Year = "8760h";

    private static readonly string[] s_scaled = [Realtime, Async];
    private static readonly string[] s_jobs = [Batch, Task];
    private static readonly string[] s_pods = [Realtime, Async, Batch, Task];

    /// <summary>Names of the kinds, as the YAML writes them.</summary>
    public static readonly IReadOnlyList<string> Kinds = Enum.GetNames<ApiKind>();

    private static readonly string[] s_clientAccess = [.. Enum.GetNames<ClientAccess>().Select(name => name.ToLowerInvariant())];
    private static readonly string[] s_handlers = ["http_get", "tcp_socket", "exec"];
    private static readonly long[] s_reservedPorts = [8888, 15000];

    private static readonly MapShape s_httpGet = new(
        new Field("path", new PathShape { TakesRoot = true, TakesDots = true }, "Path of the request.") { Default = "/" },
        new Field("port", Port(takesDigits: true), "Port that the container listens on.") { Required = true });

    private static readonly MapShape s_tcpSocket = new(
        new Field("port", Port(takesDigits: true), "Port that the container listens on.") { Required = true });

    private static readonly MapShape s_exec = new(
        new Field("command", new ListShape(Texts.AnyOrEmpty) { MinCount = 1 }, "Program and arguments, run without a shell.") { Required = true });

    private static readonly Field s_httpGetField = new("http_get", s_httpGet, "An HTTP GET; a status from 200 to 399 is a success.") { Null = NullRule.Allowed };
    private static readonly Field s_tcpSocketField = new("tcp_socket", s_tcpSocket, "A TCP connection; one that is accepted is a success.") { Null = NullRule.Allowed };
    private static readonly Field s_execField = new("exec", s_exec, "A command in the container; exit code 0 is a success.") { Null = NullRule.Allowed };

    private static readonly Field[] s_timing =
    [
        new("initial_delay_seconds", Seconds(MostSeconds), "Seconds after the container's start before the first check.") { Default = "0" },
        new("timeout_seconds", Seconds(MostSeconds), "Seconds that one check may take; 0 means 1.") { Default = "1" },
        new("period_seconds", Seconds(MostSeconds), "Seconds between checks; 0 means 10.") { Default = "10" },
        new("success_threshold", Seconds(), "Successes in a row that make it healthy; 0 means 1.") { Default = "1" },
        new("failure_threshold", Seconds(), "Failures in a row that make it unhealthy; 0 means 3.") { Default = "3" },
    ];

    private static readonly MapShape s_readiness = new([s_httpGetField, s_tcpSocketField, s_execField with { Variants = [Realtime] }, .. s_timing])
    {
        ExactlyOneOf = s_handlers,
    };

    private static readonly MapShape s_liveness = new([s_httpGetField, s_tcpSocketField, s_execField, .. s_timing])
    {
        ExactlyOneOf = s_handlers,
    };

    private static readonly MapShape s_preStop = new(s_httpGetField, s_execField) { ExactlyOneOf = s_handlers };

    private static readonly MapShape s_compute = new(
        new Field("cpu", new QuantityShape("20m") { TakesNumbers = true, Example = "200m or 0.5" }, "Processors: 200m is a fifth of one; null asks for none.") { Default = "200m", Null = NullRule.Allowed },
        new Field("mem", new QuantityShape("20Mi"), "Memory, such as 512Mi or 2Gi, that room is kept for; it may use more, up to mem_limit. Null asks for none.") { Null = NullRule.Allowed },
        new Field("mem_limit", new QuantityShape("20Mi"), "Memory that the container is killed beyond; at least mem. Null: as the cluster's docker.memory_limit_factor says, else what the machine can spare.") { Null = NullRule.Allowed },
        new Field("gpu", Count(), "Whole GPUs.") { Default = "0" },
        new Field("inf", Count(), "Whole Inferentia chips.") { Default = "0" },
        new Field("shm", new QuantityShape("0"), "Size of /dev/shm, such as 1Gi; at most mem. Null keeps the runtime's own.") { Null = NullRule.Allowed })
    {
        Rules = [ApiRules.ShmWithinMem, ApiRules.MemLimitAboveMem],
    };

    private static readonly ListShape s_words = new(Texts.AnyOrEmpty);

    private static readonly MapShape s_container = new(
        new Field("name", Texts.ContainerName, "Name, unique in the pod.") { Required = true },
        new Field("image", Texts.Image, "Container image; without a tag, `latest`.") { Required = true },
        new Field("env", new TextMapShape(Texts.VariableValue) { Keys = Texts.VariableName, ForbiddenPrefixes = ["CORTEX_", "KUBEXIT_"], PrefixKind = ErrorKinds.CortexPrefixedEnvVarNotAllowed }, "Environment variables; numbers and booleans must be in quotes.") { Default = "{}" },
        new Field("command", s_words, "Replaces the image's entry point; $(NAME) is replaced by the variable.") { Variants = s_scaled, Null = NullRule.Allowed },
        new Field("command", new ListShape(Texts.AnyOrEmpty) { MinCount = 1 }, "Program to run; $(NAME) is replaced by the variable.") { Variants = s_jobs, Required = true, Null = NullRule.Absent, MissingKind = ErrorKinds.FieldMustBeSpecifiedForKind },
        new Field("args", s_words, "Replaces the image's arguments; $(NAME) is replaced by the variable.") { Null = NullRule.Allowed },
        new Field("readiness_probe", s_readiness, "Decides whether the container takes requests.") { Variants = [Realtime, Async, Batch], Null = NullRule.Allowed },
        new Field("liveness_probe", s_liveness, "Decides whether the container is restarted.") { Null = NullRule.Allowed },
        new Field("pre_stop", s_preStop, "Runs before the container is told to stop.") { Variants = s_scaled, Null = NullRule.Allowed },
        new Field("compute", s_compute, "What the container asks of its machine.") { Default = "{}" });

    private static readonly MapShape s_pod = new(
        new Field("port", Port(takesDigits: false), "Port that requests are sent to.") { Variants = [Realtime, Async, Batch], Default = "8080", Null = NullRule.Absent },
        new Field("port", new UnusedShape(ErrorKinds.FieldIsNotSupportedForKind, "is not used by TaskAPI: a task gets no requests; remove it"), "Not used: a task gets no requests.") { Variants = [Task], Null = NullRule.Allowed },
        new Field("max_concurrency", Range(1, 30_000), "Requests that one replica gets at once.") { Variants = [Realtime], Default = "1" },
        new Field("max_concurrency", Range(1, 100), "Requests that one replica works on at once.") { Variants = [Async], Default = "1" },
        new Field("max_queue_length", Range(1, 30_000), "Requests that may wait, per replica; more are answered 503 at once.") { Variants = [Realtime], Default = "100" },
        new Field("containers", new ListShape(s_container) { MinCount = 1, MaxCount = 100, TooFewKind = ErrorKinds.TooFewElements }, "Containers that share the pod's network and /mnt.") { Required = true, Null = NullRule.EmptyList })
    {
        Rules = [ApiRules.UniqueContainerNames, ApiRules.GpuOrInf, LaunchRules.Check],
    };

    private static readonly MapShape s_networking = new(
        new Field("endpoint", new PathShape { MaxLength = 1000 }, "Path at which the API is reached; by default a slash and the API's name."),
        new Field("client_idle_timeout", Between("1s", "24h"), "Time a client may pause while a replica serves it; by default the cluster's gateway.client_idle_timeout.") { Variants = [Realtime], Null = NullRule.Absent },
        new Field("stream_idle_timeout", Between("1s", "168h"), "Time a stream may go without data either way; by default the cluster's gateway.stream_idle_timeout.") { Variants = [Realtime], Null = NullRule.Absent });

    private static readonly MapShape s_autoscaling = new(
        new Field("min_replicas", new IntShape { Min = 0 }, "Fewest replicas.") { Default = "1" },
        new Field("max_replicas", new IntShape { Above = 0 }, "Most replicas.") { Default = "100" },
        new Field("init_replicas", new IntShape { Min = 0 }, "Replicas at creation; by default min_replicas."),
        new Field("target_in_flight", new FloatShape { Above = 0 }, "Requests in flight that one replica should have; by default max_concurrency."),
        new Field("window", new DurationShape { Min = TimeSpan.FromSeconds(10), Max = GoDuration.Parse(Year), Step = TimeSpan.FromSeconds(10) }, "Time that requests in flight are averaged over; a multiple of 10s.") { Default = "60s" },
        new Field("downscale_stabilization_period", Between("0s", Year), "A scale-down waits until nothing recommended more for this long.") { Default = "5m" },
        new Field("upscale_stabilization_period", Between("0s", Year), "A scale-up waits until nothing recommended less for this long.") { Default = "1m" },
        new Field("max_downscale_factor", new FloatShape { Min = 0, Below = 1 }, "One step down keeps at least this part of the replicas.") { Default = "0.75" },
        new Field("max_upscale_factor", new FloatShape { Above = 1 }, "One step up reaches at most this multiple of the replicas.") { Default = "1.5" },
        new Field("downscale_tolerance", new FloatShape { Min = 0, Below = 1 }, "A recommendation this close below the count changes nothing.") { Default = "0.05" },
        new Field("upscale_tolerance", new FloatShape { Min = 0 }, "A recommendation this close above the count changes nothing.") { Default = "0.05" },
        new Field("burst", new BoolShape(), "When the last 6 s have more than twice the requests in flight that the replicas are meant for, scales up on these 6 s without waiting, and not down, until it has been calm for 60 s.") { Default = "false" },
        new Field("target_queue_age", Between("2s", "168h"), "Scales up without waiting as far as it takes for requests to be taken before they are this old; null for no such target.") { Variants = [Async], Null = NullRule.Allowed },
        new Field("idle", new ChoiceShape("remove", "freeze"), "What becomes of replicas that a scale-down leaves over: removed, or frozen (no processor, their memory kept) to go on within milliseconds.") { Default = "remove" },
        new Field("freeze_period", Between("1s", "168h"), "Time that a frozen replica is kept; with idle: freeze.") { Default = "15m" })
    {
        Rules = [ApiRules.ReplicaBounds],
    };

    private static readonly MapShape s_updateStrategy = new(
        new Field("max_surge", new SurgeShape(), "Replicas above the wanted count during an update, as a number or percent; rounded up.") { Default = "25%" },
        new Field("max_unavailable", new SurgeShape(), "Replicas below the wanted count during an update, as a number or percent; rounded down.") { Default = "25%" })
    {
        Rules = [ApiRules.SurgeOrUnavailable],
    };

    private static readonly MapShape s_queue = new(
        new Field("max_attempts", new IntShape { Min = 1, Max = 100 }, "Attempts that may fail before a request is given up.") { Default = "1" },
        new Field("retry_backoff", Between("0s", "24h"), "Pause before the second attempt; doubles with each further one.") { Default = "1s" },
        new Field("retry_backoff_max", Between("0s", "24h"), "Longest pause between attempts.") { Default = "5m" },
        new Field("timeout", Between("1s", "168h"), "Longest time of one attempt.") { Default = "168h" },
        new Field("result_retention", Between("1m", "8760h"), "Time that results, failures and idempotency keys are kept.") { Default = "168h" },
        new Field("max_payload", Size(), "Largest payload.") { Default = "10Gi" },
        new Field("max_result", Size(), "Largest result.") { Default = "10Gi" },
        new Field("max_lost_attempts", new IntShape { Min = 0, Max = 100 }, "Attempts that may be lost with their replica before a request is given up; they do not count as failed.") { Default = "5" })
    {
        Rules = [ApiRules.RetryBackoff],
    };

    private static readonly MapShape s_target = new(
        new Field("name", Texts.Any, "Name of a RealtimeAPI.") { Required = true },
        new Field("weight", new IntShape { Min = 0, Max = 100 }, "Percent of the requests; for a shadow, percent that is copied to it.") { Required = true },
        new Field("shadow", new BoolShape(), "Gets copies of requests, and its answers are dropped.") { Default = "false" });

    private static readonly MapShape s_sticky = new(
        new Field("header", Texts.HttpToken, "Requests with the same value of this header go to the same target.") { Null = NullRule.Absent },
        new Field("cookie", Texts.HttpToken, "Requests with the same value of this cookie go to the same target.") { Null = NullRule.Absent })
    {
        ExactlyOneOf = ["header", "cookie"],
    };

    private static readonly MapShape s_canary = new(
        new Field("to", Texts.Any, "Name of the target that requests move to.") { Required = true },
        new Field("steps", new ListShape(new IntShape { Min = 1, Max = 100 }) { MinCount = 1, MaxCount = 100 }, "Percent of the requests at each step; each more than the one before.") { Default = "[1, 5, 25, 100]" },
        new Field("every", Between("1s", "168h"), "Shortest time of a step.") { Default = "5m" },
        new Field("max_error_rate", new FloatShape { Min = 0, Max = 1 }, "Largest part of the target's requests that may fail, such as 0.01; null for any.") { Default = "0.01", Null = NullRule.Allowed },
        new Field("max_p99", Between("1ms", "24h"), "Time that at most 1 percent of the target's requests may exceed; null for any.") { Null = NullRule.Allowed },
        new Field("min_requests", new IntShape { Min = 1, Max = 1_000_000 }, "Requests that a step needs before the next one.") { Default = "100" })
    {
        Rules = [ApiRules.CanarySteps],
    };

    private static readonly MapShape s_jobsOfApi = new(
        new Field("max_concurrent", new IntShape { Min = 1, Max = 10_000 }, "Jobs of this API that run at a time; further ones wait as pending. Null for no bound but the cluster's.") { Null = NullRule.Allowed },
        new Field("priority", new IntShape { Min = 0, Max = 9 }, "Jobs of a higher priority start first, among all APIs; a submission may say otherwise.") { Default = "0" },
        new Field("max_attempts", new IntShape { Min = 1, Max = 100 }, "Times that a task is tried when its containers fail.") { Variants = [Task], Default = "1" });

    private static readonly Field s_timeoutOfJob = new("timeout", new IntShape { Min = 1, IsLong = true }, "Seconds from the submission after which a job is ended; null for no limit.") { Null = NullRule.Allowed };
    private static readonly Field s_configOfJob = new("config", new JsonShape { IsMap = true, MaxLevels = 40 }, "Any map; the containers find it in /cortex/spec/job.json.") { Null = NullRule.Allowed };

    private static readonly MapShape s_taskJob = new(
        s_timeoutOfJob,
        s_configOfJob,
        new Field("priority", new IntShape { Min = 0, Max = 9 }, "Jobs of a higher priority start first; by default the API's own.") { Null = NullRule.Allowed });

    private static readonly Field s_batchSize = new("batch_size", new IntShape { Min = 1 }, "Items of one batch.") { Required = true };
    private static readonly ListShape s_patterns = new(Texts.Any);

    private static readonly MapShape s_files = new(
        new Field("s3_paths", new ListShape(Texts.Any) { MinCount = 1, TooFewKind = ErrorKinds.TooFewElements }, "Files, all that begin with each path. `paths` is another name for it.") { Null = NullRule.Absent },
        new Field("paths", new ListShape(Texts.Any) { MinCount = 1, TooFewKind = ErrorKinds.TooFewElements }, "Files, all that begin with each path.") { Null = NullRule.Absent },
        new Field("includes", s_patterns, "A file must match one of these patterns; none for all files.") { Null = NullRule.Absent },
        new Field("excludes", s_patterns, "A file must match none of these patterns.") { Null = NullRule.Absent },
        s_batchSize)
    {
        Rules = [ApiRules.Paths],
    };

    private static readonly Field s_tries = new("max_receive_count", new IntShape { Min = 1 }, "Times that a batch is tried.") { Required = true };

    private static readonly MapShape s_batchJob = new(
        new Field("workers", new IntShape { Min = 1 }, "Workers of each job.") { Required = true },
        new Field("item_list", new MapShape(
            new Field("items", new ListShape(new JsonShape()) { MinCount = 1, TooFewKind = ErrorKinds.TooFewElements }, "The items, of any type.") { Required = true },
            s_batchSize), "Items that stand here.") { Null = NullRule.Absent },
        new Field("file_path_lister", s_files, "The items are the names of files.") { Null = NullRule.Absent },
        new Field("delimited_files", s_files, "The items are the JSON values in files.") { Null = NullRule.Absent },
        new Field("sqs_dead_letter_queue", new MapShape(new Field("arn", Texts.Any, "A name; it has no effect.") { Required = true }, s_tries), "Cortex 0.42's form of dead_letter_queue.") { Null = NullRule.Allowed },
        new Field("dead_letter_queue", new MapShape(s_tries), "How often a batch is tried; then it is kept with the reason.") { Null = NullRule.Allowed },
        s_timeoutOfJob,
        s_configOfJob)
    {
        ExactlyOneOf = ["item_list", "file_path_lister", "delimited_files"],
        Rules = [ApiRules.DeadLetterQueues],
    };

    private static readonly ShortFormShape s_schedule = new("cron", new MapShape(
        new Field("cron", new CronShape(), "When a job starts: minute, hour, day of the month, month and day of the week, or a nickname such as @daily.") { Required = true },
        new Field("time_zone", new TimeZoneShape(), "The zone whose clocks are meant, such as Europe/Berlin.") { Default = "UTC" },
        new Field("concurrency", new ChoiceShape("allow", "forbid", "replace"), "When a job of this schedule has not ended yet: start another beside it, skip the run, or end it first.") { Default = "allow" },
        new Field("missed_runs", new ChoiceShape("run_once", "skip"), "What becomes of runs whose time passed while the server was away: the last of them is made up for, or none is.") { Default = "run_once" },
        new Field("job", new WrittenShape(s_taskJob), "The job that is submitted, as its submission has it.") { Variants = [Task], Default = "{}" },
        new Field("job", new WrittenShape(s_batchJob), "The job that is submitted, as its submission has it.") { Variants = [Batch], Required = true }));

    private static readonly Field s_name = new("name", Texts.ApiName, "Name, unique in the cluster.") { Required = true };
    private static readonly Field s_kind = new("kind", new ChoiceShape(Kinds), "Kind of workload.") { Required = true };

    /// <summary>Only name and kind: what must be known before the rest can be read.</summary>
    public static readonly MapShape Header = new(s_name, s_kind) { IgnoresUnknown = true, KeyErrorKind = ErrorKinds.MalformedConfig };

    /// <summary>One API. The kind is the walk's variant.</summary>
    public static readonly MapShape Api = new(
        s_name,
        s_kind,
        new Field("pod", s_pod, "What one replica or worker runs.") { Variants = s_pods, Default = "{}" },
        new Field("apis", new ListShape(s_target) { MaxCount = 100 }, "The APIs that get the requests; weights without shadows sum to 100.") { Variants = [Splitter], Required = true, Null = NullRule.EmptyList },
        new Field("sticky", s_sticky, "What clients are told apart by, to send each to the same target; null for nothing.") { Variants = [Splitter], Null = NullRule.Allowed },
        new Field("canary", s_canary, "Moves requests to one target step by step, and back when it does worse than it may; null for never.") { Variants = [Splitter], Null = NullRule.Allowed },
        new Field("networking", s_networking, "Where the API is reached.") { Default = "{}" },
        new Field("node_groups", new ListShape(Texts.NodeGroupName) { MinCount = 1, MaxCount = 100 }, "Node groups that it may run on; null for all.") { Variants = s_pods, Null = NullRule.Allowed },
        new Field("autoscaling", s_autoscaling, "Replica bounds and the scaling rule.") { Variants = s_scaled, Default = "{}" },
        new Field("update_strategy", s_updateStrategy, "How many replicas an update may add or take away at a time.") { Variants = s_scaled, Default = "{}" },
        new Field("queue", s_queue, "How requests are kept and tried.") { Variants = [Async], Default = "{}" },
        new Field("jobs", s_jobsOfApi, "How jobs are run.") { Variants = s_jobs, Default = "{}" },
        new Field("schedule", s_schedule, "When jobs start by themselves; null for never.") { Variants = s_jobs, Null = NullRule.Allowed },
        new Field("client_access", new ChoiceShape(s_clientAccess), "What the token that containers find in /cortex/client/cli.yaml opens at the operator: nothing, reading this API, that and submitting to all, or everything.") { Variants = s_pods, Default = "submit" })
    {
        KeyErrorKind = ErrorKinds.MalformedConfig,
        Rules = [ApiRules.TargetInFlight, ApiRules.Targets, ApiRules.CanaryTarget],
    };

    private static IntShape Port(bool takesDigits) => new() { Min = 1, Max = 65535, Reserved = s_reservedPorts, TakesDigits = takesDigits };

    private static IntShape Seconds(long? max = null) => new() { Min = 0, Max = max };

    private static IntShape Count() => new() { Min = 0, IsLong = true };

    private static DurationShape Between(string min, string max) => new() { Min = GoDuration.Parse(min), Max = GoDuration.Parse(max) };

    private static QuantityShape Size() => new("1Ki") { Max = "10Gi", Example = "100Mi" };

    private static IntShape Range(long min, long max) => new() { Min = min, Max = max, IsLong = true };
}
