using System.Diagnostics;
using System.Globalization;
using Cortex.Async;
using Cortex.Core.Specs;
using Cortex.Core.Wire;
using Cortex.Gateway;
using Cortex.Operator.Scaling;
using Cortex.Operator.State;
using Cortex.Routing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Cortex.Operator.Tests.Scaling;

public sealed class AutoscalerTests : IDisposable
{
    private const string AtOnce = "upscale_stabilization_period: 0s, downscale_stabilization_period: 0s, window: 10s";

    private readonly string _directory = Directory.CreateTempSubdirectory("cortex-autoscaler-").FullName;
    private readonly FakeDataPlane _gateway = new();
    private readonly ManualTime _clock = new();
    private readonly ApiStore _store;
    private readonly Autoscaler _autoscaler;
    private int _changes;

    public AutoscalerTests()
    {
        _store = new ApiStore(Path.Combine(_directory, "state.db"), versionsKept: 10);
        _autoscaler = new Autoscaler(_store, _gateway, () => _changes++, _clock, NullLogger<Autoscaler>.Instance);
    }

    public void Dispose()
    {
        _store.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public void Step_MoreInFlight_WantsMoreReplicasWithinTwoSeconds()
    {
        _store.Deploy(Api("hello", AtOnce, replicas: 2));
        _gateway.Traffic["hello"] = new ApiTraffic(InFlight: 2, Queued: 3);

        Pass(2);

        Assert.Equal(3, _store.Apis["hello"].Replicas);
        Assert.True(_changes > 0);
        using var again = new ApiStore(Path.Combine(_directory, "state.db"), 10);
        Assert.Equal(3, again.Apis["hello"].Replicas);
    }

    [Fact]
    public void Step_ExactlyAsMuchAsTheTarget_ChangesAndWritesNothing()
    {
        _store.Deploy(Api("hello", AtOnce, replicas: 2));
        _gateway.Traffic["hello"] = new ApiTraffic(2, 0);
        var before = _store.Apis["hello"];

        Pass(30);

        Assert.Same(before, _store.Apis["hello"]);
        Assert.Equal(0, _changes);
    }

    [Fact]
    public void Step_AsyncApi_CountsWhatWaitsAndWhatIsInProgressButNotWhatIsDelayed()
    {
        _store.Deploy(Api("hello", AtOnce, replicas: 2, kind: "AsyncAPI"));
        _gateway.Queues["hello"] = new AsyncTraffic(Waiting: 1, Delayed: 50, InProgress: 2, OldestWaiting: null);

        Pass(2);

        Assert.Equal(3, _store.Apis["hello"].Replicas);
    }

    [Fact]
    public void Step_NoLoadAndMinReplicasZero_GoesToZeroAndStaysThere()
    {
        _store.Deploy(Api("hello", $"{AtOnce}, min_replicas: 0, init_replicas: 1", replicas: 1));
        _gateway.Traffic["hello"] = new ApiTraffic(0, 0);

        Pass(2);
        Assert.Equal(0, _store.Apis["hello"].Replicas);
        var decisions = _autoscaler.Decisions("hello");
        Pass(60);

        Assert.Equal(0, _store.Apis["hello"].Replicas);
        Assert.Equal(decisions, _autoscaler.Decisions("hello"));
    }

    [Fact]
    public void Awaken_NoReplicas_WantsOneAtTheNextStep()
    {
        _store.Deploy(Api("hello", "min_replicas: 0, init_replicas: 0", replicas: 0));
        _autoscaler.Step();

        _autoscaler.Awaken("hello");
        _autoscaler.Awaken("hello");
        _autoscaler.Step();

        Assert.Equal((1, 1), (_store.Apis["hello"].Replicas, _changes));
        var decision = Assert.Single(_autoscaler.Decisions("hello"));
        Assert.Equal((0, 1, ScalingReason.Awakened), (decision.Current, decision.Requested, decision.Reason));
    }

    [Fact]
    public void Awaken_RequestIsAnsweredBeforeTheNextSample_StaysForTheWindow()
    {
        _store.Deploy(Api("hello", $"{AtOnce}, min_replicas: 0, init_replicas: 0", replicas: 0));
        _gateway.Traffic["hello"] = new ApiTraffic(0, 0);
        _autoscaler.Awaken("hello");

        Pass(8);
        Assert.Equal(1, _store.Apis["hello"].Replicas);

        Pass(6);
        Assert.Equal(0, _store.Apis["hello"].Replicas);
    }

    [Fact]
    public void Awaken_ReplicasOrNoSuchApi_ChangesNothing()
    {
        _store.Deploy(Api("hello", "min_replicas: 0", replicas: 2));

        _autoscaler.Awaken("hello");
        _autoscaler.Awaken("other");
        _autoscaler.Step();

        Assert.Equal((2, 0), (_store.Apis["hello"].Replicas, _changes));
    }

    [Theory]
    [InlineData("RealtimeAPI")]
    [InlineData("AsyncAPI")]
    public void Step_SomebodyWaitsAtZeroAndNobodyTold_Awakens(string kind)
    {
        _store.Deploy(Api("hello", "min_replicas: 0, init_replicas: 0", replicas: 0, kind));
        _gateway.Traffic["hello"] = new ApiTraffic(0, 1);
        _gateway.Queues["hello"] = new AsyncTraffic(1, 0, 0, null);

        Pass(1);

        Assert.Equal(1, _store.Apis["hello"].Replicas);
    }

    [Fact]
    public void Step_RequestsThatWaitedAtZero_CountOnceAReplicaIsWanted()
    {
        _store.Deploy(Api("hello", $"min_replicas: 0, init_replicas: 0, max_upscale_factor: 100, {AtOnce}", replicas: 0));
        _gateway.Traffic["hello"] = new ApiTraffic(0, 30);

        Pass(1);
        Assert.Equal(1, _store.Apis["hello"].Replicas);
        Pass(2);

        Assert.Equal(30, _store.Apis["hello"].Replicas);
    }

    [Fact]
    public void Step_Redeployed_KeepsWhatItHasSeen()
    {
        var api = Api("hello", "max_replicas: 5", replicas: 2);
        _store.Deploy(api);
        _gateway.Traffic["hello"] = new ApiTraffic(9, 0);
        Pass(80);
        Assert.Equal(3, _store.Apis["hello"].Replicas);

        _store.Deploy(Api("hello", "max_replicas: 50", replicas: 3, id: "2"));
        Pass(2);

        Assert.Equal((3, ScalingReason.UpscaleStabilization), (_store.Apis["hello"].Replicas, _autoscaler.Decisions("hello")[0].Reason));
        Assert.Contains(_autoscaler.Decisions("hello"), decision => decision.Current == 2);
    }

    [Fact]
    public void Decisions_BeforeARedeployment_AreToldByTheSettingsOfThen()
    {
        _store.Deploy(Api("hello", $"{AtOnce}, max_replicas: 2", replicas: 2));
        _gateway.Traffic["hello"] = new ApiTraffic(9, 0);
        Pass(3);
        Assert.Equal("max_replicas is 2", ScalingText.Why(_autoscaler.Decisions("hello")[0]));

        _store.Deploy(Api("hello", $"{AtOnce}, max_replicas: 2, min_replicas: 2", replicas: 2, id: "2"));
        Pass(3);
        _store.Deploy(Api("hello", $"{AtOnce}, max_replicas: 3, max_upscale_factor: 100", replicas: 2, id: "3"));
        Pass(3);

        Assert.Equal(["max_replicas is 3", "max_replicas is 3", "max_replicas is 2", "max_replicas is 2"], _autoscaler.Decisions("hello").Select(decision => ScalingText.Why(decision)));
    }

    [Fact]
    public void Step_DeletedAndDeployedAgain_BeginsAnew()
    {
        _store.Deploy(Api("hello", "max_replicas: 5", replicas: 2));
        _gateway.Traffic["hello"] = new ApiTraffic(9, 0);
        Pass(80);

        _store.Delete("hello", keepHistory: false);
        _store.Deploy(Api("hello", "max_replicas: 5", replicas: 2, deployedAt: 7));
        Pass(2);

        var decision = Assert.Single(_autoscaler.Decisions("hello"));
        Assert.Equal((2, ScalingReason.JustBegun), (_store.Apis["hello"].Replicas, decision.Reason));
    }

    [Fact]
    public void Step_Deleted_ForgetsIt()
    {
        _store.Deploy(Api("hello", AtOnce, replicas: 2), Api("other", AtOnce, replicas: 2));
        _gateway.Traffic["hello"] = _gateway.Traffic["other"] = new ApiTraffic(9, 0);
        Pass(4);

        _store.Delete("hello", keepHistory: true);
        Pass(2);

        Assert.Empty(_autoscaler.Decisions("hello"));
        Assert.NotEmpty(_autoscaler.Decisions("other"));
    }

    [Fact]
    public void Step_NothingCanBeStored_GoesOnWatching()
    {
        _store.Deploy(Api("hello", AtOnce, replicas: 2), Api("asleep", "min_replicas: 0, init_replicas: 0", replicas: 0));
        _gateway.Traffic["hello"] = new ApiTraffic(9, 0);
        _autoscaler.Awaken("asleep");
        _store.Dispose();

        for (var second = 0; second < 4; second++)
        {
            Assert.NotNull(Record.Exception(_autoscaler.Step));
            _clock.Advance(TimeSpan.FromSeconds(1));
        }

        var decision = Assert.Single(_autoscaler.Decisions("hello"));
        Assert.Equal((2, 3, TimeSpan.FromSeconds(2)), (decision.Current, decision.Requested, decision.At - decision.Since));
        Assert.Equal((2, 0), (_store.Apis["hello"].Replicas, _changes));
    }

    [Fact]
    public void Step_ManyApisAtOnce_AllScale()
    {
        DeployMany(500, new ApiTraffic(9, 0));

        Pass(2);

        Assert.All(_store.Apis.Values, api => Assert.Equal(2, api.Replicas));
    }

    [Fact]
    public void Step_ManySteadyApis_AllocatesNextToNothing()
    {
        DeployMany(500, new ApiTraffic(1, 0));
        Pass(20);

        var allocated = GC.GetAllocatedBytesForCurrentThread();
        var began = Stopwatch.GetTimestamp();
        Pass(100);
        allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;

        TestContext.Current.SendDiagnosticMessage($"500 APIs: {Stopwatch.GetElapsedTime(began).TotalMicroseconds / 100:0} us and {allocated / 100} bytes per second of the clock");
        Assert.True(allocated < 100 * 500 * 10, $"{allocated} bytes in 100 steps of 500 APIs");
    }

    [Fact]
    public void WriteMetrics_AfterDecisions_TellsWhatWasRecommended()
    {
        _store.Deploy(Api("hello", AtOnce, replicas: 2));
        _gateway.Traffic["hello"] = new ApiTraffic(5, 0);
        Pass(2);
        using var text = new StringWriter(CultureInfo.InvariantCulture);

        _autoscaler.WriteMetrics(text);

        Assert.Contains("cortex_autoscaler_in_flight{api_name=\"hello\",api_kind=\"RealtimeAPI\"} 5\n", text.ToString(), StringComparison.Ordinal);
        Assert.Contains("cortex_autoscaler_recommendation{api_name=\"hello\",api_kind=\"RealtimeAPI\"} 3\n", text.ToString(), StringComparison.Ordinal);
        Assert.Contains("cortex_autoscaler_scale_ups_total{api_name=\"hello\",api_kind=\"RealtimeAPI\"} 1\n", text.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task RunAsync_Awakened_DoesNotWaitForTheNextSample()
    {
        _store.Deploy(Api("hello", "min_replicas: 0, init_replicas: 0", replicas: 0));
        using var stop = new CancellationTokenSource();
        var running = _autoscaler.RunAsync(stop.Token);

        // The clock stands still: nothing but the call can move it.
        _autoscaler.Awaken("hello");
        await Eventually.TrueAsync(() => _store.Apis["hello"].Replicas == 1, "one replica is wanted");

        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
    }

    private void DeployMany(int count, ApiTraffic traffic)
    {
        var apis = Enumerable.Range(0, count).Select(i => Api(string.Create(CultureInfo.InvariantCulture, $"a{i}"), AtOnce, replicas: 1)).ToArray();
        _store.Deploy(apis);
        foreach (var api in apis)
        {
            _gateway.Traffic[api.Name] = traffic;
        }
    }

    private static WantedApi Api(string name, string autoscaling, int replicas, string kind = "RealtimeAPI", string id = "1", long deployedAt = 0)
    {
        var file = ApiFileParser.Parse("cortex.yaml", $$"""
            - name: {{name}}
              kind: {{kind}}
              pod: {containers: [{name: api, image: app:1}]}
              autoscaling: {{{autoscaling}}}
            """);
        Assert.Empty(file.Errors);
        return new WantedApi(DeployedSpec.From(Assert.Single(file.Apis), $"{name}-{id}-{deployedAt}", "spec", "pod", "deployment", deployedAt, 0, "key", "root"), replicas);
    }

    // As the loop does it: a step at the beginning, and one after each second.
    private void Pass(int seconds)
    {
        for (var second = 0; second < seconds; second++)
        {
            _autoscaler.Step();
            _clock.Advance(TimeSpan.FromSeconds(1));
        }
    }
}
