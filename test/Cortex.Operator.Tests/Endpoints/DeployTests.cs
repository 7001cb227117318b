using System.Net;
using System.Text.Json;
using Cortex.Core.Specs;
using Cortex.Runtimes.Fake;

namespace Cortex.Operator.Tests.Endpoints;

public sealed class DeployTests
{
    [Fact]
    public async Task Deploy_NewApi_IsCreatedAndServed()
    {
        await using var cluster = await TestCluster.StartAsync();

        var result = Assert.Single(await cluster.DeployAsync(TestCluster.Api("hello", replicas: 2)));

        Assert.Equal("creating hello (RealtimeAPI)", result.Message);
        Assert.Equal("", result.Error);
        Assert.Equal("http://apis:8889/hello", result.Api!.Endpoint);
        await cluster.ReadyAsync("hello", 2);
        Assert.Equal((2, "/hello"), (cluster.DataPlane.Route("hello")!.MaxConcurrency, cluster.DataPlane.Route("hello")!.Endpoint));

        var api = await cluster.GetAsync("/get/hello");
        Assert.Equal((2, 2, 2), (api.Status!.Ready, api.Status.Requested, api.Status.UpToDate));
        Assert.Equal(api.Spec!.Id, Assert.Single(api.ApiVersions!).ApiId);
        Assert.Equal("hello", api.Spec.SubmittedApiSpec.GetProperty("name").GetString());
        Assert.True(api.Spec.InitialDeploymentTime > 1_600_000_000_000_000_000);
        Assert.Null(api.Status.ReplicaCounts);
        Assert.Equal(2, (await cluster.CountsAsync("hello")).Ready);
    }

    [Fact]
    public async Task Deploy_Answered_IsRoutedBeforeAnyLoopHasLooked()
    {
        await using var cluster = await TestCluster.StartAsync(reconciles: false);

        await cluster.DeployAsync(TestCluster.Api("hello"));
        Assert.Equal(("/hello", 0), (cluster.DataPlane.Route("hello")!.Endpoint, cluster.DataPlane.Route("hello")!.Replicas.Count));

        await cluster.DeployAsync(TestCluster.Api("hello", endpoint: "/other"), force: true);
        Assert.Equal("/other", cluster.DataPlane.Route("hello")!.Endpoint);
        using var answer = await cluster.Client.PostAsync(new Uri("/rollback/hello?force=true", UriKind.Relative), null);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("/hello", cluster.DataPlane.Route("hello")!.Endpoint);
    }

    [Fact]
    public async Task Deploy_GatewayRefusesTheRoutes_IsAnsweredAsDeployed()
    {
        await using var cluster = await TestCluster.StartAsync();
        cluster.DataPlane.Refuses = true;

        Assert.Equal("", Assert.Single(await cluster.DeployAsync(TestCluster.Api("hello"))).Error);
        Assert.Null(cluster.DataPlane.Route("hello"));
        cluster.DataPlane.Refuses = false;
        await cluster.ReadyAsync("hello", 1);
    }

    [Fact]
    public async Task Deploy_RuntimeDoesNotAnswer_IsAcceptedAndDescribeSaysWhyNothingStarts()
    {
        await using var cluster = await TestCluster.StartAsync();
        cluster.Machine.Unavailable = "Docker Engine has not answered since noon";

        Assert.Equal("creating hello (RealtimeAPI)", Assert.Single(await cluster.DeployAsync(TestCluster.Api("hello"))).Message);
        var status = (await cluster.GetAsync("/describe/hello")).Status!;
        Assert.Equal("Docker Engine has not answered since noon", status.Reasons![0]);
        using var info = JsonDocument.Parse(await cluster.Client.GetStringAsync(new Uri("/info", UriKind.Relative)));
        Assert.False(info.RootElement.GetProperty("health").GetProperty("runtime").GetBoolean());
        Assert.Equal("Docker Engine has not answered since noon", info.RootElement.GetProperty("health_messages").GetProperty("runtime").GetString());
        Assert.Equal(1, info.RootElement.GetProperty("worker_node_infos").GetArrayLength());

        cluster.Machine.Unavailable = null;
        await cluster.ReadyAsync("hello", 1);
        Assert.Null((await cluster.GetAsync("/describe/hello")).Status!.Reasons);
    }

    [Fact]
    public async Task Deploy_SameAgain_ChangesNothing()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(TestCluster.Api("hello"));
        await cluster.ReadyAsync("hello", 1);
        var before = cluster.DataPlane.Route("hello")!.Replicas;

        var result = Assert.Single(await cluster.DeployAsync(TestCluster.Api("hello")));

        Assert.Equal("hello (RealtimeAPI) is up to date", result.Message);
        Assert.Single((await cluster.GetAsync("/get/hello")).ApiVersions!);
        Assert.Equal(before, cluster.DataPlane.Route("hello")!.Replicas);
        Assert.Equal(1, cluster.Machine.CreatedCount);
    }

    [Fact]
    public async Task Deploy_ChangedPod_ReplacesReplicasWithoutAGap()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(TestCluster.Api("hello", replicas: 2));
        await cluster.ReadyAsync("hello", 2);
        var before = cluster.DataPlane.Route("hello")!.Replicas.Select(replica => replica.Id).ToList();
        var first = await cluster.GetAsync("/get/hello");

        var result = Assert.Single(await cluster.DeployAsync(TestCluster.Api("hello", "app:2", replicas: 2)));

        Assert.Equal("updating hello (RealtimeAPI)", result.Message);
        await Eventually.TrueAsync(() => cluster.DataPlane.Route("hello")!.Replicas is { Count: 2 } replicas && !replicas.Any(replica => before.Contains(replica.Id)), "two new replicas");
        await Eventually.TrueAsync(() => cluster.Runtime.List().Count == 2, "the old ones are gone");
        Assert.Equal(before.Order(), cluster.DataPlane.Drained.Select(drain => drain.Replica).Order());
        var second = await cluster.GetAsync("/get/hello");
        Assert.Equal([second.Spec!.Id, first.Spec!.Id], second.ApiVersions!.Select(version => version.ApiId));
        Assert.Equal(first.Spec.InitialDeploymentTime, second.Spec.InitialDeploymentTime);
        Assert.Equal("app:1", (await cluster.GetAsync($"/get/hello/{first.Spec.Id}")).Spec!.Pod!.Containers[0].Image);
    }

    [Fact]
    public async Task Deploy_OnlyEndpointChanged_KeepsReplicas()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(TestCluster.Api("hello"));
        await cluster.ReadyAsync("hello", 1);

        await cluster.DeployAsync(TestCluster.Api("hello", endpoint: "/other/place"));

        await Eventually.TrueAsync(() => cluster.DataPlane.Route("hello")!.Endpoint == "/other/place", "the route has moved");
        Assert.Single(cluster.DataPlane.Route("hello")!.Replicas);
        Assert.Equal(1, cluster.Machine.CreatedCount);
    }

    [Fact]
    public async Task Deploy_NewVersionNeverReady_LeavesOldServingAndSaysWhy()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(TestCluster.Api("hello"));
        await cluster.ReadyAsync("hello", 1);
        var before = cluster.DataPlane.Route("hello")!.Replicas;

        cluster.Machine.Behaviour = new FakeBehaviour { ImageError = "pull access denied for app" };
        await cluster.DeployAsync(TestCluster.Api("hello", "app:missing"));

        await Eventually.TrueAsync(() => cluster.Runtime.List().Count == 2, "a replica of the new version");
        var status = (await cluster.GetAsync("/describe/hello")).Status!;
        Assert.Equal((1, 1), (status.ReplicaCounts!.ErrImagePull, status.ReplicaCounts.ReadyOutOfDate));
        Assert.Equal("1 replica can't get its image: pull access denied for app", Assert.Single(status.Reasons!));
        Assert.Equal(status.Reasons, (await cluster.GetAsync("/get/hello")).Status!.Reasons);
        Assert.Equal(before, cluster.DataPlane.Route("hello")!.Replicas);
    }

    [Fact]
    public async Task Deploy_WhileUpdating_NeedsForce()
    {
        await using var cluster = await TestCluster.StartAsync();
        cluster.Machine.Behaviour = new FakeBehaviour { ReadyAfter = Timeout.InfiniteTimeSpan };
        await cluster.DeployAsync(TestCluster.Api("hello"));

        var same = Assert.Single(await cluster.DeployAsync(TestCluster.Api("hello")));
        var refused = Assert.Single(await cluster.DeployAsync(TestCluster.Api("hello", "app:2")));
        var forced = Assert.Single(await cluster.DeployAsync(TestCluster.Api("hello", "app:2"), force: true));

        Assert.Equal("hello (RealtimeAPI) is already updating", same.Message);
        Assert.StartsWith("error: hello is still updating", refused.Error, StringComparison.Ordinal);
        Assert.Null(refused.Api);
        Assert.Equal("updating hello (RealtimeAPI)", forced.Message);
    }

    [Fact]
    public async Task Deploy_InvalidFile_ChangesNothingAndReportsEverything()
    {
        await using var cluster = await TestCluster.StartAsync();

        using var response = await cluster.PostConfigAsync(TestCluster.Api("good") + """
            - name: bad
              kind: RealtimeAPI
              pod:
                prot: 8080
                max_concurrency: 0
                containers: []
            """);

        var error = await TestCluster.ErrorAsync(response);
        Assert.True(error.Errors!.Count >= 3, error.Message);
        Assert.All(error.Errors, place => Assert.Equal("bad", place.Api));
        Assert.Contains(error.Errors, place => place.Kind == "configreader.unsupported_key" && place.Message.Contains("did you mean `port`", StringComparison.OrdinalIgnoreCase));
        Assert.Equal(error.Kind, error.Errors[0].Kind);
        Assert.Empty(await cluster.GetListAsync("/get"));
    }

    [Fact]
    public async Task Deploy_EndpointTaken_IsRefused()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(TestCluster.Api("hello"));

        using var response = await cluster.PostConfigAsync(TestCluster.Api("other", endpoint: "/hello"));

        Assert.Equal("spec.duplicate_endpoint", (await TestCluster.ErrorAsync(response)).Kind);
    }

    [Fact]
    public async Task Deploy_PodLargerThanTheMachine_IsRefused()
    {
        await using var cluster = await TestCluster.StartAsync();

        using var response = await cluster.PostConfigAsync("""
            - name: big
              kind: RealtimeAPI
              pod:
                containers:
                - name: api
                  image: app
                  compute: {mem: 1000Gi}
            """);

        Assert.Equal("resources.no_available_node_compute_limit", (await TestCluster.ErrorAsync(response)).Kind);
    }

    [Theory]
    [InlineData("/deploy", "endpoints.query_param_required")]
    [InlineData("/deploy?configFileName=x", "endpoints.form_file_must_be_provided")]
    public async Task Deploy_IncompleteRequest_SaysWhatIsMissing(string path, string kind)
    {
        await using var cluster = await TestCluster.StartAsync();

        using var response = await cluster.Client.PostAsync(new Uri(path, UriKind.Relative), null);

        Assert.Equal(kind, (await TestCluster.ErrorAsync(response)).Kind);
    }

    [Fact]
    public async Task Refresh_ReplacesReplicasUnderANewVersion()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(TestCluster.Api("hello"));
        await cluster.ReadyAsync("hello", 1);
        var before = Assert.Single(cluster.DataPlane.Route("hello")!.Replicas);

        using var response = await cluster.Client.PostAsync(new Uri("/refresh/hello", UriKind.Relative), null);

        Assert.Equal("{\"message\":\"updating hello (RealtimeAPI)\"}", await response.Content.ReadAsStringAsync());
        await Eventually.TrueAsync(() => cluster.DataPlane.Route("hello")!.Replicas is [var replica] && replica.Id != before.Id, "a new replica alone");
        Assert.Equal(2, (await cluster.GetAsync("/get/hello")).ApiVersions!.Count);
    }

    [Theory]
    [InlineData(false, 0)]
    [InlineData(true, 1)]
    public async Task Delete_TakesTheRouteAwayAndKeepsHistoryOnRequest(bool keepCache, int versions)
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(TestCluster.Api("hello"));
        await cluster.ReadyAsync("hello", 1);
        var id = (await cluster.GetAsync("/get/hello")).Spec!.Id;

        using var response = await cluster.Client.DeleteAsync(new Uri($"/delete/hello?keepCache={(keepCache ? "true" : "false")}", UriKind.Relative));

        Assert.Equal("{\"message\":\"deleting hello\"}", await response.Content.ReadAsStringAsync());
        Assert.Null(cluster.DataPlane.Route("hello"));
        await Eventually.TrueAsync(() => cluster.Runtime.List().Count == 0, "its replica is gone");
        Assert.Single(cluster.DataPlane.Drained);
        using var old = await cluster.Client.GetAsync(new Uri($"/get/hello/{id}", UriKind.Relative));
        Assert.Equal(versions == 1 ? HttpStatusCode.OK : HttpStatusCode.BadRequest, old.StatusCode);
        using var again = await cluster.Client.DeleteAsync(new Uri("/delete/hello", UriKind.Relative));
        Assert.Equal("resources.api_not_deployed", (await TestCluster.ErrorAsync(again)).Kind);
    }

    [Fact]
    public async Task Update_ReplicaStillAnswering_IsNotStoppedBeforeItIsDone()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(TestCluster.Api("hello"));
        await cluster.ReadyAsync("hello", 1);
        var before = Assert.Single(cluster.DataPlane.Route("hello")!.Replicas).Id;
        cluster.DataPlane.Hold(before);

        await cluster.DeployAsync(TestCluster.Api("hello", "app:2"));

        await Eventually.TrueAsync(() => cluster.DataPlane.Route("hello")!.Replicas is [var replica] && replica.Id != before, "the new replica serves alone");
        var status = (await cluster.GetAsync("/describe/hello")).Status!;
        Assert.Equal((1, 1, 1), (status.Ready, status.Requested, status.ReplicaCounts!.Terminating));
        Assert.Contains(cluster.Runtime.List(), pod => pod.Id == before);
        Assert.Equal(1, (await cluster.CountsAsync("hello")).Terminating);
        cluster.DataPlane.LetGo(before);
        await Eventually.TrueAsync(() => cluster.Runtime.List().Count == 1, "the old replica is gone");
    }

    [Fact]
    public async Task ReplicaLost_IsReplaced()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(TestCluster.Api("hello"));
        await cluster.ReadyAsync("hello", 1);
        var lost = Assert.Single(cluster.DataPlane.Route("hello")!.Replicas).Id;

        cluster.Machine.Remove(lost);

        await Eventually.TrueAsync(() => cluster.DataPlane.Route("hello")!.Replicas is [var replica] && replica.Id != lost, "another replica");
    }

    [Fact]
    public async Task Restart_AdoptsWhatRunsAndStartsNothingTwice()
    {
        await using var first = await TestCluster.StartAsync();
        await first.DeployAsync(TestCluster.Api("hello", replicas: 2));
        await first.ReadyAsync("hello", 2);
        var replicas = first.DataPlane.Route("hello")!.Replicas;

        await using var second = await first.RestartAsync();

        Assert.Equal(replicas, second.DataPlane.Route("hello")!.Replicas);
        Assert.Equal(2, second.Machine.CreatedCount);
        Assert.Equal(ApiKind.RealtimeAPI, Assert.Single(await second.GetListAsync("/get")).Metadata!.Kind);
    }
}
