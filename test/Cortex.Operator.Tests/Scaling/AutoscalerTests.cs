using System.Diagnostics;
using System.Globalization;
using Cortex.Async;
using Cortex.Core.Specs;
using Cortex.Core.Wire;
using Cortex.Gateway;
using Cortex.Operator.Scaling;
using Cortex.Operator.State;
using Cortex.Operator.Tests.State;
using Cortex.Routing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Cortex.Operator.Tests.Scaling;

public sealed class AutoscalerTests : IAsyncLifetime
{
    private const string AtOnce = "upscale_stabilization_period: 0s, downscale_stabilization_period: 0s, window: 10s";

    private readonly string _directory = Directory.CreateTempSubdirectory("cortex-autoscaler-").FullName;
    private readonly FakeDataPlane _gateway = new();
    private readonly ManualTime _clock = new();
    private IApiStore _store = null!;
    private Autoscaler _autoscaler = null!;

    public async ValueTask InitializeAsync()
    {
        _store = await Stores.OpenAsync(Path.Combine(_directory, "state.db"));
        _autoscaler = new Autoscaler(_store, _gateway, _clock, NullLogger<Autoscaler>.Instance);
    }

    public async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task Step_MoreInFlight_WantsMoreReplicasWithinTwoSeconds()
    {
        await _store.PutAsync(Api("hello", AtOnce, replicas: 2));
        _gateway.Traffic["hello"] = new ApiTraffic(InFlight: 2, Queued: 3);

        await PassAsync(2);

        Assert.Equal(3, _store.Apis["hello"].Replicas);
        await using var again = await Stores.OpenAsync(Path.Combine(_directory, "state.db"));
        Assert.Equal(3, again.Apis["hello"].Replicas);
    }

    [Fact]
    public async Task Step_ExactlyAsMuchAsTheTarget_ChangesAndWritesNothing()
    {
        await _store.PutAsync(Api("hello", AtOnce, replicas: 2));
        _gateway.Traffic["hello"] = new ApiTraffic(2, 0);
        var before = _store.Apis["hello"];

        await PassAsync(30);

        Assert.Same(before, _store.Apis["hello"]);
    }

    [Fact]
    public async Task Step_AsyncApi_CountsWhatWaitsAndWhatIsInProgressButNotWhatIsDelayed()
    {
        await _store.PutAsync(Api("hello", AtOnce, replicas: 2, kind: "AsyncAPI"));
        _gateway.Queues["hello"] = new AsyncTraffic(Waiting: 1, Delayed: 50, InProgress: 2, OldestWaiting: null);

        await PassAsync(2);

        Assert.Equal(3, _store.Apis["hello"].Replicas);
    }

    [Fact]
    public async Task Step_NoLoadAndMinReplicasZero_GoesToZeroAndStaysThere()
    {
        await _store.PutAsync(Api("hello", $"{AtOnce}, min_replicas: 0, init_replicas: 1", replicas: 1));
        _gateway.Traffic["hello"] = new ApiTraffic(0, 0);

        await PassAsync(2);
        Assert.Equal(0, _store.Apis["hello"].Replicas);
        var decisions = _autoscaler.Decisions("hello");
        await PassAsync(60);

        Assert.Equal(0, _store.Apis["hello"].Replicas);
        Assert.Equal(decisions, _autoscaler.Decisions("hello"));
    }

    [Fact]
    public async Task Awaken_NoReplicas_WantsOneAtTheNextStep()
    {
        await _store.PutAsync(Api("hello", "min_replicas: 0, init_replicas: 0", replicas: 0));
        await _autoscaler.StepAsync(CancellationToken.None);

        _autoscaler.Awaken("hello");
        _autoscaler.Awaken("hello");
        await _autoscaler.StepAsync(CancellationToken.None);

        Assert.Equal(1, _store.Apis["hello"].Replicas);
        var decision = Assert.Single(_autoscaler.Decisions("hello"));
        Assert.Equal((0, 1, ScalingReason.Awakened), (decision.Current, decision.Requested, decision.Reason));
    }

    [Fact]
    public async Task Awaken_RequestIsAnsweredBeforeTheNextSample_StaysForTheWindow()
    {
        await _store.PutAsync(Api("hello", $"{AtOnce}, min_replicas: 0, init_replicas: 0", replicas: 0));
        _gateway.Traffic["hello"] = new ApiTraffic(0, 0);
        _autoscaler.Awaken("hello");

        await PassAsync(8);
        Assert.Equal(1, _store.Apis["hello"].Replicas);

        await PassAsync(6);
        Assert.Equal(0, _store.Apis["hello"].Replicas);
    }

    [Fact]
    public async Task Awaken_ReplicasOrNoSuchApi_ChangesNothing()
    {
        await _store.PutAsync(Api("hello", "min_replicas: 0", replicas: 2));

        _autoscaler.Awaken("hello");
        _autoscaler.Awaken("other");
        await _autoscaler.StepAsync(CancellationToken.None);

        Assert.Equal(2, _store.Apis["hello"].Replicas);
    }

    [Theory]
    [InlineData("RealtimeAPI")]
    [InlineData("AsyncAPI")]
    public async Task Step_SomebodyWaitsAtZeroAndNobodyTold_Awakens(string kind)
    {
        await _store.PutAsync(Api("hello", "min_replicas: 0, init_replicas: 0", replicas: 0, kind));
        _gateway.Traffic["hello"] = new ApiTraffic(0, 1);
        _gateway.Queues["hello"] = new AsyncTraffic(1, 0, 0, null);

        await PassAsync(1);

        Assert.Equal(1, _store.Apis["hello"].Replicas);
    }

    [Fact]
    public async Task Step_RequestsThatWaitedAtZero_CountOnceAReplicaIsWanted()
    {
        await _store.PutAsync(Api("hello", $"min_replicas: 0, init_replicas: 0, max_upscale_factor: 100, {AtOnce}", replicas: 0));
        _gateway.Traffic["hello"] = new ApiTraffic(0, 30);

        await PassAsync(1);
        Assert.Equal(1, _store.Apis["hello"].Replicas);
        await PassAsync(2);

        Assert.Equal(30, _store.Apis["hello"].Replicas);
    }

    [Fact]
    public async Task Step_Redeployed_KeepsWhatItHasSeen()
    {
        var api = Api("hello", "max_replicas: 5", replicas: 2);
        await _store.PutAsync(api);
        _gateway.Traffic["hello"] = new ApiTraffic(9, 0);
        await PassAsync(80);
        Assert.Equal(3, _store.Apis["hello"].Replicas);

        await _store.PutAsync(Api("hello", "max_replicas: 50", replicas: 3, id: "2"));
        await PassAsync(2);

        Assert.Equal((3, ScalingReason.UpscaleStabilization), (_store.Apis["hello"].Replicas, _autoscaler.Decisions("hello")[0].Reason));
        Assert.Contains(_autoscaler.Decisions("hello"), decision => decision.Current == 2);
    }

    [Fact]
    public async Task Decisions_BeforeARedeployment_AreToldByTheSettingsOfThen()
    {
        await _store.PutAsync(Api("hello", $"{AtOnce}, max_replicas: 2", replicas: 2));
        _gateway.Traffic["hello"] = new ApiTraffic(9, 0);
        await PassAsync(3);
        Assert.Equal("max_replicas is 2", ScalingText.Why(_autoscaler.Decisions("hello")[0]));

        await _store.PutAsync(Api("hello", $"{AtOnce}, max_replicas: 2, min_replicas: 2", replicas: 2, id: "2"));
        await PassAsync(3);
        await _store.PutAsync(Api("hello", $"{AtOnce}, max_replicas: 3, max_upscale_factor: 100", replicas: 2, id: "3"));
        await PassAsync(3);

        Assert.Equal(["max_replicas is 3", "max_replicas is 3", "max_replicas is 2", "max_replicas is 2"], _autoscaler.Decisions("hello").Select(decision => ScalingText.Why(decision)));
    }

    [Fact]
    public async Task Step_DeletedAndDeployedAgain_BeginsAnew()
    {
        await _store.PutAsync(Api("hello", "max_replicas: 5", replicas: 2));
        _gateway.Traffic["hello"] = new ApiTraffic(9, 0);
        await PassAsync(80);

        await _store.DropAsync("hello", keepHistory: false);
        await _store.PutAsync(Api("hello", "max_replicas: 5", replicas: 2, deployedAt: 7));
        await PassAsync(2);

        var decision = Assert.Single(_autoscaler.Decisions("hello"));
        Assert.Equal((2, ScalingReason.JustBegun), (_store.Apis["hello"].Replicas, decision.Reason));
    }

    [Fact]
    public async Task Step_Deleted_ForgetsIt()
    {
        await _store.PutAsync(Api("hello", AtOnce, replicas: 2), Api("other", AtOnce, replicas: 2));
        _gateway.Traffic["hello"] = _gateway.Traffic["other"] = new ApiTraffic(9, 0);
        await PassAsync(4);

        await _store.DropAsync("hello", keepHistory: true);
        await PassAsync(2);

        Assert.Empty(_autoscaler.Decisions("hello"));
        Assert.NotEmpty(_autoscaler.Decisions("other"));
    }

    [Fact]
    public async Task Step_NothingCanBeStored_GoesOnWatching()
    {
        await _store.PutAsync(Api("hello", AtOnce, replicas: 2), Api("asleep", "min_replicas: 0, init_replicas: 0", replicas: 0));
        _gateway.Traffic["hello"] = new ApiTraffic(9, 0);
        _autoscaler.Awaken("asleep");
        await _store.DisposeAsync();

        for (var second = 0; second < 4; second++)
        {
            Assert.NotNull(await Record.ExceptionAsync(() => _autoscaler.StepAsync(CancellationToken.None)));
            _clock.Advance(TimeSpan.FromSeconds(1));
        }

        var decision = Assert.Single(_autoscaler.Decisions("hello"));
        Assert.Equal((2, 3, TimeSpan.FromSeconds(2)), (decision.Current, decision.Requested, decision.At - decision.Since));
        Assert.Equal(2, _store.Apis["hello"].Replicas);
    }

    [Fact]
    public async Task Step_ManyApisAtOnce_AllScale()
    {
        await DeployManyAsync(500, new ApiTraffic(9, 0));

        await PassAsync(2);

        Assert.All(_store.Apis.Values, api => Assert.Equal(2, api.Replicas));
    }

    [Fact]
    public async Task Step_ManySteadyApis_AllocatesNextToNothing()
    {
        await DeployManyAsync(500, new ApiTraffic(1, 0));
        await PassAsync(20);

        var allocated = GC.GetAllocatedBytesForCurrentThread();
        var began = Stopwatch.GetTimestamp();
        await PassAsync(100);
        allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;

        TestContext.Current.SendDiagnosticMessage($"500 APIs: {Stopwatch.GetElapsedTime(began).TotalMicroseconds / 100:0} us and {allocated / 100} bytes per second of the clock");
        Assert.True(allocated < 100 * 500 * 10, $"{allocated} bytes in 100 steps of 500 APIs");
    }

    [Fact]
    public async Task WriteMetrics_AfterDecisions_TellsWhatWasRecommended()
    {
        await _store.PutAsync(Api("hello", AtOnce, replicas: 2));
        _gateway.Traffic["hello"] = new ApiTraffic(5, 0);
        await PassAsync(2);
        using var text = new StringWriter(CultureInfo.InvariantCulture);

        _autoscaler.WriteMetrics(text);

        Assert.Contains("cortex_autoscaler_in_flight{api_name=\"hello\",api_kind=\"RealtimeAPI\"} 5\n", text.ToString(), StringComparison.Ordinal);
        Assert.Contains("cortex_autoscaler_recommendation{api_name=\"hello\",api_kind=\"RealtimeAPI\"} 3\n", text.ToString(), StringComparison.Ordinal);
        Assert.Contains("cortex_autoscaler_scale_ups_total{api_name=\"hello\",api_kind=\"RealtimeAPI\"} 1\n", text.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task RunAsync_Awakened_DoesNotWaitForTheNextSample()
    {
        await _store.PutAsync(Api("hello", "min_replicas: 0, init_replicas: 0", replicas: 0));
        using var stop = new CancellationTokenSource();
        var running = _autoscaler.RunAsync(stop.Token);

        // The clock stands still: nothing but the call can move it.
        _autoscaler.Awaken("hello");
        await Eventually.TrueAsync(() => _store.Apis["hello"].Replicas == 1, "one replica is wanted");

        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
    }

    private async Task DeployManyAsync(int count, ApiTraffic traffic)
    {
        var apis = Enumerable.Range(0, count).Select(i => Api(string.Create(CultureInfo.InvariantCulture, $"a{i}"), AtOnce, replicas: 1)).ToArray();
        await _store.PutAsync(apis);
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
    private async Task PassAsync(int seconds)
    {
        for (var second = 0; second < seconds; second++)
        {
            await _autoscaler.StepAsync(CancellationToken.None);
            _clock.Advance(TimeSpan.FromSeconds(1));
        }
    }
}
