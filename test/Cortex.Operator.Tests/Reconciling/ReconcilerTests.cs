using Cortex.Core.Specs;
using Cortex.Core.Wire;
using Cortex.Gateway;
using Cortex.Gateway.Routing;
using Cortex.Operator.Reconciling;
using Cortex.Operator.State;
using Cortex.Operator.Tests.State;
using Cortex.Routing;
using Cortex.Runtimes;
using Microsoft.Extensions.Logging.Abstractions;

namespace Cortex.Operator.Tests.Reconciling;

public sealed class ReconcilerTests : IAsyncLifetime
{
    private static readonly PodFactory Pods = new("1.0.0", static _ => null);

    private readonly string _directory = Directory.CreateTempSubdirectory("cortex-reconciler-").FullName;
    private IApiStore _store = null!;
    private readonly ScriptedRuntime _runtime = new();
    private readonly UnsteadyGateway _gateway = new();
    private readonly ManualTime _clock = new();

    public async ValueTask InitializeAsync() => _store = await Stores.OpenAsync(Path.Combine(_directory, "state.db"));

    public async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task Step_CreationEndsWhileThePodsAreListed_StartsNoSecondReplica()
    {
        var creation = new TaskCompletionSource();
        _runtime.OnCreate = _ => creation.Task;
        await _store.PutAsync(Wanted(replicas: 1));
        var reconciler = Reconciler(_clock);
        reconciler.Step(CancellationToken.None);
        var pod = Assert.Single(_runtime.Created);

        _runtime.WhileListing = () =>
        {
            _runtime.Pods.Add(ScriptedRuntime.Ready(pod));
            creation.SetResult();
        };
        reconciler.Step(CancellationToken.None);

        Assert.Equal([pod], _runtime.Created);
    }

    [Fact]
    public async Task Step_ReplicasFailTogether_AreTriedAgainAfterOnePause()
    {
        _runtime.OnCreate = _ => Task.FromException(new RuntimeUnavailableException("no docker"));
        await _store.PutAsync(Wanted(replicas: 5));
        var reconciler = Reconciler(_clock);
        reconciler.Step(CancellationToken.None);
        reconciler.Step(CancellationToken.None);
        Assert.Equal((5, "no docker"), (_runtime.Created.Count, reconciler.CreateError("hello")));

        _clock.Advance(TimeSpan.FromSeconds(1));
        reconciler.Step(CancellationToken.None);
        Assert.Equal(10, _runtime.Created.Count);

        // The second failed attempt doubles the pause.
        _clock.Advance(TimeSpan.FromSeconds(1));
        reconciler.Step(CancellationToken.None);
        Assert.Equal(10, _runtime.Created.Count);
        _clock.Advance(TimeSpan.FromSeconds(1));
        reconciler.Step(CancellationToken.None);
        Assert.Equal(15, _runtime.Created.Count);
    }

    [Fact]
    public async Task Step_ManyReplicasWanted_MakesNoMoreThanMayWait()
    {
        _runtime.OnCreate = pod =>
        {
            _runtime.Pods.Add(ScriptedRuntime.Ready(pod) with { State = PodState.Pending });
            return Task.CompletedTask;
        };
        await _store.PutAsync(Wanted(replicas: 30));
        var reconciler = Reconciler(_clock);
        reconciler.Step(CancellationToken.None);
        reconciler.Step(CancellationToken.None);
        Assert.Equal(10, _runtime.Created.Count);

        _runtime.Pods[3] = _runtime.Pods[3] with { State = PodState.Creating };
        reconciler.Step(CancellationToken.None);

        Assert.Equal(11, _runtime.Created.Count);
    }

    [Fact]
    public async Task Step_BackToAVersionThatRuns_ForgetsWhyTheOtherCouldNotBeCreated()
    {
        var first = Wanted(replicas: 1);
        await _store.PutAsync(first);
        var reconciler = Reconciler(_clock);
        reconciler.Step(CancellationToken.None);
        _runtime.Pods.Add(ScriptedRuntime.Ready(_runtime.Created[0]));
        _runtime.OnCreate = _ => Task.FromException(new RuntimeUnavailableException("no docker"));
        await _store.PutAsync(Wanted(replicas: 1, podId: "other"));
        reconciler.Step(CancellationToken.None);
        Assert.Equal("no docker", reconciler.CreateError("hello"));

        await _store.PutAsync(first with { Spec = first.Spec with { Id = "back" } });
        reconciler.Step(CancellationToken.None);

        Assert.Null(reconciler.CreateError("hello"));
    }

    [Fact]
    public async Task PublishRoutes_GatewayRefusedThemOnce_TriesAgain()
    {
        await _store.PutAsync(Wanted(replicas: 1));
        var reconciler = Reconciler(_clock);
        _gateway.Failures = 1;
        Assert.Throws<InvalidOperationException>(reconciler.PublishRoutes);

        reconciler.PublishRoutes();

        Assert.Equal("hello", Assert.Single(_gateway.Routes!.Realtime).Name);
    }

    [Fact]
    public async Task Stop_DrainFails_IsTriedAgainBeforeThePodIsDeleted()
    {
        var api = Wanted(replicas: 1);
        var pod = Pods.Create(api.Spec);
        _runtime.Pods.Add(ScriptedRuntime.Ready(pod));
        _gateway.DrainFailures = 1;
        var reconciler = Reconciler(TimeProvider.System);

        reconciler.Step(CancellationToken.None);
        await Eventually.TrueAsync(() => _gateway.Drains == 1 && !reconciler.IsStopping(pod.Id), "the drain has failed");
        Assert.Empty(_runtime.Deleted);
        reconciler.Step(CancellationToken.None);

        await Eventually.TrueAsync(() => !reconciler.IsStopping(pod.Id), "it is stopped");
        Assert.Equal((2, pod.Id), (_gateway.Drains, Assert.Single(_runtime.Deleted)));
    }

    [Fact]
    public async Task Step_ReplicaCannotBeFrozen_IsRemoved()
    {
        var frozen = await SurplusAsync(pod =>
        {
            _runtime.OnFreeze = _ => Task.FromException<bool>(new RuntimeUnavailableException("no freezer"));
            return ScriptedRuntime.Ready(pod);
        });

        await Eventually.TrueAsync(() => _runtime.Deleted.Count == 1, "it is deleted");
        Assert.Equal(frozen, Assert.Single(_runtime.Deleted));
    }

    [Fact]
    public async Task Step_ReplicaIsFrozenForTooLong_IsRemoved()
    {
        await SurplusAsync(pod => ScriptedRuntime.Ready(pod) with { State = PodState.Frozen, StateSince = TimeProvider.System.GetUtcNow().AddMinutes(-14) });
        Assert.Empty(_runtime.Deleted);

        var old = await SurplusAsync(pod => ScriptedRuntime.Ready(pod) with { State = PodState.Frozen, StateSince = TimeProvider.System.GetUtcNow().AddMinutes(-16) });

        await Eventually.TrueAsync(() => _runtime.Deleted.Count == 1, "it is deleted");
        Assert.Equal(old, Assert.Single(_runtime.Deleted));
    }

    [Fact]
    public async Task Step_JobWaitsForFrozenReplicas_RemovesThoseInTheWayOneAtATime()
    {
        var api = Freezing(replicas: 0);
        await _store.PutAsync(api with { Spec = api.Spec with { Autoscaling = api.Spec.Autoscaling! with { MaxReplicas = 10 } } });
        var (now, spec) = (TimeProvider.System.GetUtcNow(), _store.Apis["hello"].Spec);
        var frozen = Enumerable.Range(1, 3).Select(minutes => ScriptedRuntime.Ready(Pods.Create(spec)) with { State = PodState.Frozen, StateSince = now.AddMinutes(-minutes) }).ToList();
        var worker = frozen[0] with { Id = "worker", State = PodState.Pending, WaitsFor = frozen[2].Id, Labels = new Dictionary<string, string> { [PodLabels.ApiName] = "job", [PodLabels.JobId] = "1" } };
        _runtime.Pods.AddRange([.. frozen, worker]);
        _gateway.Drain = new TaskCompletionSource();
        var reconciler = Reconciler(TimeProvider.System);

        reconciler.Step(CancellationToken.None);
        reconciler.Step(CancellationToken.None);
        Assert.Equal([false, false, true], frozen.Select(pod => reconciler.IsStopping(pod.Id)));

        _gateway.Drain.SetResult();
        await Eventually.TrueAsync(() => !reconciler.IsStopping(frozen[2].Id), "the oldest is gone");
        _runtime.Pods.Remove(frozen[2]);
        reconciler.Step(CancellationToken.None);   // nobody has looked for room again yet
        _runtime.Pods[^1] = worker with { WaitsFor = frozen[1].Id };
        reconciler.Step(CancellationToken.None);
        await Eventually.TrueAsync(() => !reconciler.IsStopping(frozen[1].Id), "the next is gone");
        _runtime.Pods.Remove(frozen[1]);
        _runtime.Pods[^1] = worker with { State = PodState.Creating, WaitsFor = null };
        reconciler.Step(CancellationToken.None);

        Assert.Equal([frozen[2].Id, frozen[1].Id], _runtime.Deleted);
        Assert.False(reconciler.IsStopping(frozen[0].Id));
    }

    [Fact]
    public async Task Step_FrozenReplicaDoesNotGoOn_IsReplaced()
    {
        var api = Freezing(replicas: 1);
        await _store.PutAsync(api);
        var pod = Pods.Create(api.Spec);
        _runtime.Pods.Add(ScriptedRuntime.Ready(pod) with { State = PodState.Frozen, StateSince = TimeProvider.System.GetUtcNow() });
        _runtime.OnThaw = _ => Task.FromException<bool>(new RuntimeUnavailableException("no thaw"));
        var reconciler = Reconciler(TimeProvider.System);

        reconciler.Step(CancellationToken.None);
        Assert.Empty(_runtime.Created);
        await Eventually.TrueAsync(() => _runtime.Deleted.Count == 1 && !reconciler.IsStopping(pod.Id), "it is deleted");
        _runtime.Pods.Clear();
        reconciler.Step(CancellationToken.None);

        Assert.Equal(pod.Id, Assert.Single(_runtime.Deleted));
        Assert.Single(_runtime.Created);
    }

    [Fact]
    public async Task Step_ScaledDownReplicaHasLongRequests_StaysUntilTheyEndOrTheApiIsDeleted()
    {
        var api = Wanted(replicas: 0);
        await _store.PutAsync(api);
        var pod = Pods.Create(api.Spec);
        _runtime.Pods.Add(ScriptedRuntime.Ready(pod));
        _gateway.Drain = new TaskCompletionSource();
        var reconciler = Reconciler(TimeProvider.System, grace: TimeSpan.FromMilliseconds(1));
        reconciler.Step(CancellationToken.None);
        await Eventually.TrueAsync(() => _gateway.Drains == 1, "it is drained");
        reconciler.Step(CancellationToken.None);
        Assert.True(reconciler.IsStopping(pod.Id));
        Assert.Empty(_runtime.Deleted);

        await _store.DropAsync("hello", keepHistory: false);
        reconciler.Step(CancellationToken.None);

        await Eventually.TrueAsync(() => _runtime.Deleted.Count == 1, "the grace is over");
        Assert.Equal(0, _gateway.Draining);
    }

    [Fact]
    public async Task RunAsync_Cancelled_ReturnsWhenWhatItStartedHasEnded()
    {
        await _store.PutAsync(Wanted(replicas: 0));
        var pod = Pods.Create(Wanted(replicas: 0).Spec);
        _runtime.Pods.Add(ScriptedRuntime.Ready(pod));
        _gateway.Drain = new TaskCompletionSource();
        var reconciler = Reconciler(TimeProvider.System);
        using var stop = new CancellationTokenSource();
        var running = Task.Run(() => reconciler.RunAsync(stop.Token));
        await Eventually.TrueAsync(() => _gateway.Drains == 1, "it is drained");

        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running.WaitAsync(TimeSpan.FromSeconds(30)));

        Assert.False(reconciler.IsStopping(pod.Id));
        Assert.Empty(_runtime.Deleted);
    }

    private async Task<string> SurplusAsync(Func<PodDefinition, PodStatus> status)
    {
        var api = Freezing(replicas: 0);
        await _store.PutAsync(api);
        var pod = Pods.Create(api.Spec);
        _runtime.Pods.Clear();
        _runtime.Pods.Add(status(pod));
        Reconciler(TimeProvider.System).Step(CancellationToken.None);
        await Task.Yield();
        return pod.Id;
    }

    private static WantedApi Freezing(int replicas)
    {
        var api = Wanted(replicas);
        return api with { Spec = api.Spec with { Id = $"id-{Guid.NewGuid():N}", Autoscaling = api.Spec.Autoscaling! with { MinReplicas = 0, Idle = IdleReplicas.Freeze, FreezePeriod = TimeSpan.FromMinutes(15) } } };
    }

    private static WantedApi Wanted(int replicas, string podId = "pod")
    {
        var spec = Assert.Single(ApiFileParser.Parse("cortex.yaml", TestCluster.Api("hello", replicas: replicas)).Apis);
        return new WantedApi(DeployedSpec.From(spec, $"id-{podId}", "spec", podId, "deployment", 0, 0, "key", "root"), replicas);
    }

    private Reconciler Reconciler(TimeProvider time, TimeSpan? grace = null) => new(
        _store, _runtime, Pods, _gateway, new NoJobs(), new ReconcilerOptions { TerminationGrace = grace ?? TimeSpan.FromSeconds(60), RetryDelay = time == _clock ? TimeSpan.FromSeconds(1) : TimeSpan.FromMilliseconds(1) }, time, NullLogger<Reconciler>.Instance);

    private sealed class NoJobs : IJobEndpoints
    {
        public JobRoute? RouteOf(DeployedSpec api) => null;

        public IEndpointHandler? HandlerOf(JobRoute route) => null;
    }

    private sealed class UnsteadyGateway : IDataPlane
    {
        public int Failures { get; set; }

        public int DrainFailures { get; set; }

        public int Drains { get; private set; }

        public RouteSnapshot? Routes { get; private set; }

        public void Apply(RouteSnapshot snapshot)
        {
            if (Failures-- > 0)
            {
                throw new InvalidOperationException("not now");
            }

            Routes = snapshot;
        }

        public TaskCompletionSource? Drain { get; set; }

        /// <summary>Drains that somebody still waits for.</summary>
        public int Draining { get; private set; }

        public async Task DrainAsync(string replicaId, TimeSpan putBackAfter, CancellationToken cancellationToken)
        {
            if (++Drains <= DrainFailures)
            {
                throw new InvalidOperationException("not now");
            }

            Draining++;
            try
            {
                await (Drain?.Task.WaitAsync(cancellationToken) ?? Task.CompletedTask);
            }
            finally
            {
                Draining--;
            }
        }

        public ApiTraffic? GetTraffic(string apiName) => null;

        public AsyncTraffic? GetQueue(string apiName) => null;

        public IReadOnlyList<SplitTraffic> GetSplitTraffic(string splitterName) => [];

        public void WriteMetrics(TextWriter writer) => throw new NotSupportedException();
    }
}
