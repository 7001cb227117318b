using System.Text.Json;
using Cortex.Core.Identifiers;
using Cortex.Core.Specs;
using Cortex.Core.Wire;

namespace Cortex.Core.Tests.Specs;

public sealed class ApiFileParserTests
{
    private const string Minimal = """
        - name: hello
          kind: RealtimeAPI
          pod:
            containers:
            - name: api
              image: docker.io/acme/hello:1
        """;

    [Fact]
    public void Parse_MinimalRealtime_FillsInEveryDefault()
    {
        var file = ApiFileParser.Parse("hello.yaml", Minimal);

        Assert.Empty(file.Errors);
        var api = Assert.Single(file.Apis);
        Assert.Equal("hello", api.Name);
        Assert.Equal(ApiKind.RealtimeAPI, api.Kind);
        Assert.Equal("hello.yaml", api.FileName);
        Assert.Equal(8080, api.Pod!.Port);
        Assert.Equal(1, api.Pod.MaxConcurrency);
        Assert.Equal(100, api.Pod.MaxQueueLength);
        Assert.Null(api.NodeGroups);
        Assert.Null(api.Apis);
        Assert.Equal("/hello", api.Networking.Endpoint);
        Assert.Equal(new AutoscalingSpec(), api.Autoscaling);
        Assert.Equal(new UpdateStrategySpec("25%", "25%"), api.UpdateStrategy);
        Assert.Equal(ClientAccess.Submit, api.ClientAccess);
        var container = Assert.Single(api.Pod.Containers);
        Assert.Empty(container.Env);
        Assert.Null(container.Command);
        Assert.Null(container.Args);
        Assert.Null(container.ReadinessProbe);
        Assert.Null(container.LivenessProbe);
        Assert.Null(container.PreStop);
        Assert.Equal(new ComputeSpec(), container.Compute);
        Assert.Equal(
            """{"name":"hello","kind":"RealtimeAPI","pod":{"containers":[{"name":"api","image":"docker.io/acme/hello:1"}]}}""",
            api.SubmittedApiSpec.GetRawText());
    }

    [Fact]
    public void Parse_EverythingSpelledOut_IsTakenOver()
    {
        var file = ApiFileParser.Parse("all.yaml", Samples.Everything);

        Assert.Empty(file.Errors);
        Assert.Equal(["rt", "as", "ba", "ta", "sp"], file.Apis.Select(api => api.Name));
        Assert.Equal(
            [null, null, new JobsSpec { MaxConcurrent = 4 }, new JobsSpec { MaxConcurrent = 2, Priority = 9, MaxAttempts = 3 }, null],
            file.Apis.Select(api => api.Jobs));
        Assert.Equal([0, 1, 2, 3, 4], file.Apis.Select(api => api.Index));
        Assert.Equal([ClientAccess.Admin, ClientAccess.Submit, ClientAccess.Submit, ClientAccess.Submit, null], file.Apis.Select(api => api.ClientAccess));
        var (rt, other) = (file.Apis[0], file.Apis[1]);
        Assert.Equal((9000, 4L, 50L), (rt.Pod!.Port, rt.Pod.MaxConcurrency, rt.Pod.MaxQueueLength));
        Assert.Equal(["cpu", "gpu_1"], rt.NodeGroups!);
        Assert.Equal("/a/b.c_d-e", rt.Networking.Endpoint);
        Assert.Equal(new UpdateStrategySpec("1", "10%"), rt.UpdateStrategy);
        Assert.Equal(
            new AutoscalingSpec
            {
                MinReplicas = 2, MaxReplicas = 10, InitReplicas = 3, TargetInFlight = 2.5, Window = TimeSpan.FromSeconds(90),
                DownscaleStabilizationPeriod = TimeSpan.Zero, UpscaleStabilizationPeriod = TimeSpan.FromSeconds(30),
                MaxDownscaleFactor = 0, MaxUpscaleFactor = 3, DownscaleTolerance = 0.1, UpscaleTolerance = 2,
                Idle = IdleReplicas.Freeze, FreezePeriod = TimeSpan.FromSeconds(90),
            },
            rt.Autoscaling);
        var (api, side) = (rt.Pod.Containers[0], rt.Pod.Containers[1]);
        Assert.Equal(["python", "-m", "server"], api.Command!);
        Assert.Equal(["--port", "$(CORTEX_PORT)"], api.Args!);
        Assert.Equal(["A=yes", "B=2", "EMPTY="], api.Env.Select(variable => $"{variable.Key}={variable.Value}"));
        Assert.Equal(
            new ProbeSpec { HttpGet = new("/health", 9000), InitialDelaySeconds = 1, TimeoutSeconds = 2, PeriodSeconds = 3, SuccessThreshold = 4, FailureThreshold = 5 },
            api.ReadinessProbe);
        Assert.Equal(["cat", "/tmp/alive"], api.LivenessProbe!.Exec!.Command);
        Assert.Equal(new HttpGetSpec("/", 9001), api.PreStop!.HttpGet);
        Assert.Equal(new ComputeSpec { Cpu = "0.5", Mem = "1Gi", Gpu = 1, Shm = "512Mi" }, api.Compute);
        Assert.Equal(new ComputeSpec { Cpu = null, MemLimit = "2Gi" }, side.Compute);
        Assert.Equal((8080, 100L, 0L, 100.0), (other.Pod!.Port, other.Pod.MaxConcurrency, other.Pod.MaxQueueLength, other.Autoscaling!.TargetInFlight));
        Assert.Equal(
            new QueueSpec
            {
                MaxAttempts = 3, RetryBackoff = TimeSpan.FromMilliseconds(500), RetryBackoffMax = TimeSpan.FromMinutes(1), Timeout = TimeSpan.FromHours(2),
                ResultRetention = TimeSpan.FromHours(24), MaxPayload = "1Gi", MaxResult = "10Mi", MaxLostAttempts = 0,
            },
            other.Queue);
        Assert.All(file.Apis.Where(each => each != other), each => Assert.Null(each.Queue));
    }

    [Fact]
    public void Parse_ScalingKeysOfOurs_AreTakenOverAndMakeNoNewPods()
    {
        const string Without = "- name: a\n  kind: AsyncAPI\n  pod: {containers: [{name: c, image: i}]}\n";
        var plain = Assert.Single(ApiFileParser.Parse("f.yaml", Without).Apis);
        var written = Assert.Single(ApiFileParser.Parse("f.yaml", Without + "  autoscaling: {burst: false, target_queue_age: null}\n").Apis);
        var fast = Assert.Single(ApiFileParser.Parse("f.yaml", Without + "  autoscaling: {burst: true, target_queue_age: 90s}\n").Apis);

        Assert.Equal(new AutoscalingSpec { Burst = true, TargetQueueAge = TimeSpan.FromSeconds(90) }, fast.Autoscaling);
        Assert.Equal(SpecHash.SpecId(plain), SpecHash.SpecId(written));
        Assert.NotEqual(SpecHash.SpecId(plain), SpecHash.SpecId(fast));
        Assert.Equal(SpecHash.PodId(plain), SpecHash.PodId(fast));
        var json = JsonSerializer.Serialize(plain.Autoscaling!, WireJson.Contract.AutoscalingSpec);
        Assert.DoesNotContain("burst", json, StringComparison.Ordinal);
        Assert.DoesNotContain("target_queue_age", json, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_MinimalAsync_FillsInTheQueue()
    {
        var api = Assert.Single(ApiFileParser.Parse("f.yaml", Minimal.Replace("RealtimeAPI", "AsyncAPI", StringComparison.Ordinal)).Apis);

        Assert.Equal(new QueueSpec(), api.Queue);
        Assert.Equal((1L, 0L), (api.Pod!.MaxConcurrency, api.Pod.MaxQueueLength));
    }

    [Fact]
    public void Parse_KindsWithoutAField_GetNullOrZero()
    {
        var file = ApiFileParser.Parse("all.yaml", Samples.Everything);

        var (batch, task, splitter) = (file.Apis[2], file.Apis[3], file.Apis[4]);
        Assert.Equal((8080, 0L, 0L), (batch.Pod!.Port, batch.Pod.MaxConcurrency, batch.Pod.MaxQueueLength));
        Assert.Null(batch.Autoscaling);
        Assert.Null(batch.UpdateStrategy);
        Assert.Null(task.Pod!.Port);
        Assert.Null(splitter.Pod);
        Assert.Null(splitter.Autoscaling);
        Assert.Equal([new("rt", 100, false), new("other", 20, true), new("next", 0, false)], splitter.Apis!);
        Assert.Equal("/split", splitter.Networking.Endpoint);
    }

    [Theory]
    [InlineData("1", "1")]
    [InlineData("2.0", "2.0")]
    [InlineData("0.5", "0.5")]
    [InlineData("'1'", "1")]
    [InlineData("010", "8")]
    [InlineData("1K", "1K")]
    [InlineData("0.0200e0", "0.02")]
    public void Parse_Cpu_IsText(string cpu, string expected)
    {
        var file = ApiFileParser.Parse("f.yaml", Minimal + $"\n      compute: {{cpu: {cpu}}}\n");

        Assert.Empty(file.Errors);
        Assert.Equal(expected, file.Apis[0].Pod!.Containers[0].Compute.Cpu);
    }

    [Fact]
    public void Parse_DefaultsSpelledOut_EqualTheDefaults()
    {
        const string SpelledOut = """
            - name: hello
              kind: RealtimeAPI
              pod:
                port: 8080
                max_concurrency: 1
                max_queue_length: 100
                containers:
                - name: api
                  image: docker.io/acme/hello:1
                  command: null
                  args: null
                  env: {}
                  compute: {cpu: 200m, mem: null, gpu: 0, inf: 0, shm: null}
                  readiness_probe: null
                  liveness_probe: null
                  pre_stop: null
              node_groups: null
              networking: {endpoint: /hello}
              autoscaling: {min_replicas: 1, max_replicas: 100, init_replicas: 1, target_in_flight: 1, window: 60s,
                downscale_stabilization_period: 5m, upscale_stabilization_period: 1m, max_downscale_factor: 0.75,
                max_upscale_factor: 1.5, downscale_tolerance: 0.05, upscale_tolerance: 0.05, idle: remove, freeze_period: 15m}
              update_strategy: {max_surge: 25%, max_unavailable: 25%}
              client_access: submit
            """;

        var spelled = Assert.Single(ApiFileParser.Parse("f.yaml", SpelledOut).Apis);
        var minimal = Assert.Single(ApiFileParser.Parse("f.yaml", Minimal).Apis);

        Assert.Equal(SpecHash.SpecId(minimal), SpecHash.SpecId(spelled));
    }

    [Fact]
    public void Parse_AnchorsAndMergeKeys_ShareSettingsAndErrorsPointIntoTheAnchor()
    {
        const string Yaml = """
            - &base
              name: one
              kind: TaskAPI
              pod: &pod
                containers:
                - &container {name: c, image: app, command: [run], env: {A: "1"}}
            - <<: *base
              name: two
            - name: three
              kind: TaskAPI
              pod:
                <<: *pod
                containers:
                - {<<: *container, env: {B: "2"}}
                - *container
            """;

        var file = ApiFileParser.Parse("f.yaml", Yaml);

        Assert.Equal(["f.yaml:6:19: three: pod.containers[1].name: \"c\" is the name of another container of this pod"], file.Errors.Select(error => error.ToString()));
        Assert.Equal(["one", "two"], file.Apis.Select(api => api.Name));
        Assert.Equal("app", file.Apis[1].Pod!.Containers[0].Image);
    }

    [Fact]
    public void Parse_ManyMistakes_AllAreReportedInFileOrder()
    {
        const string Yaml = """
            - name: Hello
              kind: RealtimeAPI
              pod:
                prt: 8080
                port: 0
                containers:
                - name: api
                  imag: acme/app
                  compute:
                    cpu: lots
              autoscaling:
                min_replicas: 5
                max_replicas: 2
            - kind: TaskAPI
              pod:
                containers:
                - name: api
                  image: app
            """;

        var errors = ApiFileParser.Parse("hello.yaml", Yaml).Errors;

        Assert.Equal(
            [
                "hello.yaml:1:3: Hello: name: \"Hello\" must only have lower-case letters, digits and dashes, start with a letter and end with a letter or a digit",
                "hello.yaml:4:5: Hello: pod.prt: `prt` is not a key here; did you mean `port`?",
                "hello.yaml:5:5: Hello: pod.port: 0 must be greater than or equal to 1",
                "hello.yaml:7:7: Hello: pod.containers[0].image: must be defined",
                "hello.yaml:8:7: Hello: pod.containers[0].imag: `imag` is not a key here; did you mean `image`?",
                "hello.yaml:10:9: Hello: pod.containers[0].compute.cpu: \"lots\" is not a quantity; write a number with or without a suffix (m, k, M, G, T, Ki, Mi, Gi, Ti), such as 200m or 0.5",
                "hello.yaml:12:5: Hello: autoscaling.min_replicas: min_replicas (5) must not exceed max_replicas (2)",
                "hello.yaml:14:3: resource at index 1: name: must be defined",
                "hello.yaml:17:7: resource at index 1: pod.containers[0].command: must be defined for TaskAPI",
            ],
            errors.Select(error => error.ToString()));
    }

    [Theory]
    [InlineData("AsyncAPI", "  pod: {max_queue_length: 5, containers: [{name: c, image: i}]}", "`max_queue_length` is not used by AsyncAPI; it belongs to RealtimeAPI")]
    [InlineData("BatchAPI", "  autoscaling: {}\n  pod: {containers: [{name: c, image: i, command: [x]}]}", "`autoscaling` is not used by BatchAPI; it belongs only to RealtimeAPI and AsyncAPI")]
    [InlineData("RealtimeAPI", "  jobs: {priority: 2}\n  pod: {containers: [{name: c, image: i}]}", "`jobs` is not used by RealtimeAPI; it belongs only to BatchAPI and TaskAPI")]
    [InlineData("RealtimeAPI", "  queue: {max_attempts: 2}\n  pod: {containers: [{name: c, image: i}]}", "`queue` is not used by RealtimeAPI; it belongs to AsyncAPI")]
    [InlineData("AsyncAPI", "  queues: {}\n  pod: {containers: [{name: c, image: i}]}", "`queues` is not a key here; did you mean `queue`?")]
    [InlineData("AsyncAPI", "  queue: {max_attemps: 2}\n  pod: {containers: [{name: c, image: i}]}", "`max_attemps` is not a key here; did you mean `max_attempts`?")]
    [InlineData("AsyncAPI", "  queue: {retryBackoff: 2s}\n  pod: {containers: [{name: c, image: i}]}", "`retryBackoff` is not a key here; did you mean `retry_backoff`?")]
    [InlineData("RealtimeAPI", "  updateStrategy: {}\n  pod: {containers: [{name: c, image: i}]}", "`updateStrategy` is not a key here; did you mean `update_strategy`?")]
    [InlineData("RealtimeAPI", "  autosacling: {}\n  pod: {containers: [{name: c, image: i}]}", "`autosacling` is not a key here; did you mean `autoscaling`?")]
    [InlineData("TrafficSplitter", "  zzz: {}\n  apis: [{name: b, weight: 100}]", "`zzz` is not a key here; the keys here are `name`, `kind`, `apis`, `sticky`, `canary` and `networking`")]
    public void Parse_UnknownKey_HintsAtTheRightOne(string kind, string rest, string detail)
    {
        var error = Assert.Single(ApiFileParser.Parse("f.yaml", $"- name: a\n  kind: {kind}\n{rest}\n").Errors);

        Assert.Equal(("configreader.unsupported_key", detail), (error.Kind, error.Detail));
    }

    [Fact]
    public void Parse_MisspeltKind_HintsAtTheRightOne()
    {
        var error = Assert.Single(ApiFileParser.Parse("f.yaml", "- name: a\n  kind: RealTimeApi\n").Errors);

        Assert.EndsWith("did you mean `RealtimeAPI`?", error.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_NumberInEnv_HintsToQuoteIt()
    {
        var error = Assert.Single(ApiFileParser.Parse("f.yaml", Minimal + "\n      env: {WORKERS: 4}\n").Errors);

        Assert.Equal("must be a string (put it in quotes: \"4\"), but is the integer 4", error.Detail);
    }

    [Fact]
    public void Parse_ThousandsOfMistakes_ListsOneThousandAndCountsTheRest()
    {
        var file = ApiFileParser.Parse("f.yaml", Minimal + string.Concat(Enumerable.Range(0, 1500).Select(i => $"\n  key{i}: 1")));

        Assert.Equal(1001, file.Errors.Count);
        Assert.Equal("f.yaml: there are 500 more errors", file.Errors[^1].ToString());
    }

    [Theory]
    [InlineData("app")]
    [InlineData("acme/app")]
    [InlineData("docker.io/acme/app:latest")]
    [InlineData("localhost:5000/app")]
    [InlineData("a__b/c--d.e_f:V1.0")]
    [InlineData("123456789.dkr.ecr.us-west-2.amazonaws.com/team/app:1")]
    [InlineData("app:1@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")]
    public void Parse_Image_IsAccepted(string image) => Assert.Empty(ApiFileParser.Parse("f.yaml", ImageFile(image)).Errors);

    [Theory]
    [InlineData("App")]
    [InlineData("acme//app")]
    [InlineData("acme/app:")]
    [InlineData("acme/app:-x")]
    [InlineData("-app")]
    [InlineData("app_")]
    [InlineData("a..b")]
    [InlineData("a___b")]
    [InlineData("app@sha256:0123")]
    [InlineData("http://acme/app")]
    [InlineData("acme app")]
    public void Parse_NotAnImage_IsRefused(string image) =>
        Assert.Equal("configreader.invalid_docker_image", Assert.Single(ApiFileParser.Parse("f.yaml", ImageFile(image)).Errors).Kind);

    private static string ImageFile(string image) => $"- name: a\n  kind: RealtimeAPI\n  pod: {{containers: [{{name: c, image: \"{image}\"}}]}}\n";
}
