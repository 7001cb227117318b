using System.Net;
using System.Text;
using System.Text.Json;
using Cortex.Runtimes;
using Cortex.Runtimes.Fake;

namespace Cortex.Operator.Tests;

/// <summary>Whatever a loop calls may fail, the log too: what the loop is there for happens all the same.</summary>
public sealed class LoopTests
{
    private readonly Faults _faults = new();

    [Fact]
    public async Task Reconciler_EverythingItCallsThrows_StartsAndStopsReplicas()
    {
        await using var cluster = await TestCluster.StartAsync(faults: _faults);
        _faults.Arm(1);

        await UntilOkAsync(() => cluster.PostConfigAsync(TestCluster.Api("hello"), force: true));
        await cluster.ReadyAsync("hello", 1);
        await UntilOkAsync(() => cluster.PostConfigAsync(TestCluster.Api("hello", image: "app:2"), force: true));
        await Eventually.TrueAsync(() => cluster.Runtime.List() is [{ State: PodState.Ready } pod] && cluster.DataPlane.Route("hello")?.Replicas.Count == 1, "the update is through");
        await UntilOkAsync(() => cluster.Client.DeleteAsync(new Uri("/delete/hello", UriKind.Relative)));
        await Eventually.TrueAsync(() => cluster.Runtime.List().Count == 0, "its replicas are gone");

        Assert.Superset(new HashSet<string> { "IContainerRuntime.List", "IContainerRuntime.CreateAsync", "IContainerRuntime.DeleteAsync", "IContainerRuntime.WatchAsync", "IDataPlane.Apply", "IDataPlane.DrainAsync", "IApiStore.DeployAsync", "IApiStore.DeleteAsync", "IApiStore.WatchAsync" }, _faults.Thrown.ToHashSet());
    }

    [Fact]
    public async Task Autoscaler_EverythingItCallsThrows_WakesAnApi()
    {
        await using var cluster = await TestCluster.StartAsync(faults: _faults);
        _faults.Arm(1);
        await UntilOkAsync(() => cluster.PostConfigAsync(
            TestCluster.Api("hello").Replace("{min_replicas: 1, init_replicas: 1}", "{min_replicas: 0, init_replicas: 0, max_replicas: 1}", StringComparison.Ordinal), force: true));
        await Eventually.TrueAsync(() => _faults.Thrown.Contains("IDataPlane.GetTraffic"), "the autoscaler has failed");

        await Eventually.TrueAsync(() =>
        {
            cluster.Awaken("hello");
            return cluster.DataPlane.Route("hello")?.Replicas.Count == 1;
        }, "it is awake");
        Assert.Contains("IApiStore.ScaleAsync", _faults.Thrown);
    }

    [Fact]
    public async Task TaskJobs_EverythingTheirLoopCallsThrows_RunAndEnd()
    {
        await using var cluster = await TestCluster.StartAsync(faults: _faults);
        cluster.Machine.Behaviour = new FakeBehaviour { Exit = new FakeExit(TimeSpan.FromMilliseconds(50), 0) };
        await cluster.DeployAsync("""
            - name: train
              kind: TaskAPI
              pod:
                containers:
                - {name: main, image: "app:1", command: [run]}
            """);
        _faults.Arm(1);
        string id = "";
        await UntilOkAsync(async () =>
        {
            var answer = await cluster.Client.PostAsync(new Uri("/tasks/train", UriKind.Relative), new StringContent("{}", Encoding.UTF8, "application/json"));
            if (answer.IsSuccessStatusCode)
            {
                using var job = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
                id = job.RootElement.GetProperty("job_id").GetString()!;
            }

            return answer;
        });

        await Eventually.TrueAsync(async () =>
        {
            using var answer = await cluster.Client.GetAsync(new Uri($"/tasks/train?jobID={id}", UriKind.Relative));
            return answer.IsSuccessStatusCode && (await answer.Content.ReadAsStringAsync()).Contains("\"status\":\"succeeded\"", StringComparison.Ordinal);
        }, "it has succeeded");
        await Eventually.TrueAsync(() => cluster.Runtime.List().Count == 0, "its pod is gone");

        Assert.Superset(new HashSet<string> { "IContainerRuntime.List", "IContainerRuntime.CreateAsync", "IContainerRuntime.DeleteAsync", "IContainerRuntime.ReadLogsAsync", "IContainerRuntime.WatchAsync", "IJobStore.AddAsync", "IJobStore.SaveAsync", "IJobStore.GetSpecAsync", "IJobStore.GetConfigsAsync", "IJobStore.TrimAsync" }, _faults.Thrown.ToHashSet());
    }

    [Fact]
    public async Task Canaries_EverythingTheirLoopCallsThrows_Move()
    {
        await using var cluster = await TestCluster.StartAsync(faults: _faults);
        await cluster.DeployAsync(TestCluster.Api("old") + TestCluster.Api("new"));
        await cluster.ReadyAsync("new", 1);
        _faults.Arm(1);
        await UntilOkAsync(() => cluster.PostConfigAsync("""
            - name: split
              kind: TrafficSplitter
              apis: [{name: old, weight: 100}, {name: new, weight: 0}]
              canary: {to: new, steps: [10, 60], every: 1s, min_requests: 5}
            """, force: true));
        await Eventually.TrueAsync(() => cluster.DataPlane.Split("split")?.Targets.Any(target => target is { Api: "new", Weight: 10 }) == true, "it has begun");

        cluster.DataPlane.Count("split", "new", 5);

        await Eventually.TrueAsync(() => cluster.DataPlane.Split("split")!.Targets.Any(target => target is { Api: "new", Weight: 60 }), "it has moved on");
        Assert.Superset(new HashSet<string> { "IContainerRuntime.List", "IDataPlane.GetSplitTraffic", "IDataPlane.Apply", "IApiStore.MoveCanaryAsync" }, _faults.Thrown.ToHashSet());
    }

    // The server's own answers fail as well meanwhile; what counts is that the next one does not.
    private static Task UntilOkAsync(Func<Task<HttpResponseMessage>> send) => Eventually.TrueAsync(async () =>
    {
        try
        {
            using var answer = await send();
            return answer.StatusCode == HttpStatusCode.OK;
        }
        catch (HttpRequestException)
        {
            // Even the line about the error had an error.
            return false;
        }
    }, "it was accepted");
}
