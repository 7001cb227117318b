using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Cortex.Core.Specs;
using Cortex.Core.Wire;
using Cortex.Operator.Access;

namespace Cortex.Operator.Tests.Access;

/// <summary>What the token that containers find in /cortex/client/cli.yaml opens, and when it ends.</summary>
public sealed class ClientAccessTests
{
    private const string Secret = "s3cr3t";

    /// <summary>Requests with the lowest level that they take; the answer may be any but that the token does not open it.</summary>
    public static TheoryData<string, string, ClientAccess> Requests => new()
    {
        { "GET", "/verifycortex", ClientAccess.None },
        { "GET", "/openapi.json", ClientAccess.None },
        { "GET", "/info", ClientAccess.Read },
        { "GET", "/get", ClientAccess.Read },
        { "GET", "/get/own", ClientAccess.Read },
        { "GET", "/get/own?showEnv=true", ClientAccess.Admin },
        { "GET", "/get/own/x", ClientAccess.Read },
        { "GET", "/get/own/x?showEnv=1", ClientAccess.Admin },
        { "GET", "/describe/own", ClientAccess.Read },
        { "GET", "/logs/own", ClientAccess.Read },
        { "GET", "/streamlogs/own?follow=false", ClientAccess.Read },
        { "GET", "/tasks/own?jobID=1", ClientAccess.Read },
        { "GET", "/batch/own?jobID=1", ClientAccess.Read },
        { "POST", "/tasks/own", ClientAccess.Submit },
        { "POST", "/batch/own", ClientAccess.Submit },
        { "DELETE", "/tasks/own?jobID=1", ClientAccess.Submit },
        { "DELETE", "/batch/own?jobID=1", ClientAccess.Submit },
        { "GET", "/get/train", ClientAccess.Submit },
        { "GET", "/get/unknown", ClientAccess.Submit },
        { "GET", "/tasks/train?jobID=1", ClientAccess.Submit },
        { "POST", "/tasks/train", ClientAccess.Submit },
        { "POST", "/tasks/train?showEnv=true", ClientAccess.Admin },
        { "GET", "/batch/score?jobID=1", ClientAccess.Submit },
        { "GET", "/batch/score?jobID=1&deadLetters=true", ClientAccess.Submit },
        { "POST", "/batch/score", ClientAccess.Submit },
        { "GET", "/get/train/x", ClientAccess.Admin },
        { "GET", "/describe/other", ClientAccess.Admin },
        { "GET", "/logs/other", ClientAccess.Admin },
        { "GET", "/streamlogs/other?follow=false", ClientAccess.Admin },
        { "DELETE", "/tasks/train?jobID=1", ClientAccess.Admin },
        { "DELETE", "/batch/score?jobID=1", ClientAccess.Admin },
        { "GET", "/async/own", ClientAccess.Admin },
        { "GET", "/async/other", ClientAccess.Admin },
        { "POST", "/deploy?configFileName=x", ClientAccess.Admin },
        { "POST", "/rollback/own", ClientAccess.Admin },
        { "POST", "/refresh/own", ClientAccess.Admin },
        { "POST", "/refresh/other", ClientAccess.Admin },
        { "DELETE", "/delete/other", ClientAccess.Admin },
        { "DELETE", "/delete/own", ClientAccess.Admin },
    };

    [Fact]
    public async Task Rules_AreThoseOfExactlyTheRoutes()
    {
        await using var cluster = await TestCluster.StartAsync();

        Assert.Equal(cluster.Routes.Order(StringComparer.Ordinal), RouteRules.Routes.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Rules_OfARouteThatIsNotThere_CloseIt() => Assert.Equal(ClientAccess.Admin, RouteRules.Needed("GET /new/{apiName}", isOwn: true));

    [Theory, MemberData(nameof(Requests))]
    public async Task Request_WithEachLevel_IsOpenFromOneOn(string method, string path, ClientAccess needed)
    {
        await using var cluster = await TestCluster.StartAsync();
        using var container = await StartAsync(cluster);

        foreach (var level in Enum.GetValues<ClientAccess>())
        {
            await cluster.DeployAsync(Own(level), force: true);
            using var response = await container.SendAsync(new HttpRequestMessage(new HttpMethod(method), new Uri(path, UriKind.Relative)));
            var body = await response.Content.ReadAsStringAsync();
            Assert.True(body.Contains("\"endpoints.client_access\"", StringComparison.Ordinal) == level < needed, $"{level}: {response.StatusCode} {body}");
            if (level < needed)
            {
                var error = await TestCluster.ErrorAsync(response, HttpStatusCode.Forbidden);
                Assert.Contains($"takes `client_access: {Text(needed)}` in the configuration of own, which has `client_access: {Text(level)}`", error.Message, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public async Task Metrics_FromAContainer_TakeAdmin()
    {
        await using var cluster = await TestCluster.StartAsync();
        using var container = await StartAsync(cluster);
        container.DefaultRequestHeaders.Add("X-Forwarded-For", "172.30.0.9");

        using var response = await container.GetAsync(new Uri("/metrics", UriKind.Relative));

        Assert.Equal("endpoints.client_access", (await TestCluster.ErrorAsync(response, HttpStatusCode.Forbidden)).Kind);
    }

    [Fact]
    public async Task List_ShowsWhatTheLevelFinds()
    {
        await using var cluster = await TestCluster.StartAsync();
        using var container = await StartAsync(cluster);
        var all = await ListAsync(cluster.Client, "/get");

        var submit = await ListAsync(container, "/get");
        Assert.Equal(all.Select(api => api.Metadata), submit.Select(api => api.Metadata));
        Assert.All(submit, api => Assert.Equal(api.Metadata!.Name == "own", api.Endpoint is null));
        Assert.Equal("http://apis:8889/train", submit.Single(api => api.Metadata!.Name == "train").Endpoint);
        Assert.All(submit.Where(api => api.Metadata!.Name != "own"), api => Assert.Equal((null, null, null), (api.Status, api.TaskJobStatuses, api.BatchJobStatuses)));
        Assert.NotNull(submit.Single(api => api.Metadata!.Name == "own").Status);

        await cluster.DeployAsync(Own(ClientAccess.Read), force: true);
        Assert.Equal("own", Assert.Single(await ListAsync(container, "/get")).Metadata!.Name);

        await cluster.DeployAsync(Own(ClientAccess.Admin), force: true);
        Assert.Equal(all.Count(api => api.Status is not null), (await ListAsync(container, "/get")).Count(api => api.Status is not null));
    }

    [Fact]
    public async Task Get_AnotherApi_TellsOnlyHowToReachIt()
    {
        await using var cluster = await TestCluster.StartAsync();
        using var container = await StartAsync(cluster);

        var other = Assert.Single(await ListAsync(container, "/get/train"));
        Assert.Equal(("train", ApiKind.TaskAPI, "http://apis:8889/train"), (other.Metadata!.Name, other.Metadata.Kind, other.Endpoint));
        Assert.Equal((null, null, null), (other.Spec, other.TaskJobStatuses, other.ApiVersions));
        var own = Assert.Single(await ListAsync(container, "/get/own"));
        Assert.Equal(("(hidden)", ClientAccess.Submit), (own.Spec!.Pod!.Containers[0].Env["TOKEN"], own.Spec.ClientAccess));

        await cluster.DeployAsync(Own(ClientAccess.Admin), force: true);
        Assert.Equal(Secret, Assert.Single(await ListAsync(container, "/get/train?showEnv=true")).Spec!.Pod!.Containers[0].Env["TOKEN"]);
    }

    [Theory]
    [InlineData("operator.default.svc.cluster.local:8888")]
    [InlineData("ingressgateway-operator.istio-system.svc.cluster.local")]
    public async Task Endpoint_ForContainers_IsTheOneInside(string host)
    {
        await using var cluster = await TestCluster.StartAsync();
        using var container = await StartAsync(cluster);
        foreach (var client in new[] { container, cluster.Client })
        {
            client.DefaultRequestHeaders.Host = host;
            Assert.Equal("http://ingressgateway-apis.istio-system.svc.cluster.local/own", Assert.Single(await ListAsync(client, "/get/own")).Endpoint);
            Assert.Equal("http://ingressgateway-apis.istio-system.svc.cluster.local/train", Assert.Single(await ListAsync(client, "/get/train")).Endpoint);
        }
    }

    [Fact]
    public async Task Describe_OwnAsyncApi_KeepsTheKeyOfItsCallbacks()
    {
        await using var cluster = await TestCluster.StartAsync();
        var own = Own(ClientAccess.Read).Replace("RealtimeAPI", "AsyncAPI", StringComparison.Ordinal);
        await cluster.DeployAsync(own);
        using var container = Client(cluster, Token(await FilesAsync(cluster, "own"))!);

        Assert.Null(Assert.Single(await ListAsync(container, "/describe/own")).CallbackKey);
        await cluster.DeployAsync(own.Replace("read", "admin", StringComparison.Ordinal), force: true);
        Assert.NotNull(Assert.Single(await ListAsync(container, "/describe/own")).CallbackKey);
    }

    [Fact]
    public async Task Info_BelowAdmin_TellsOnlyWhoseClusterItIs()
    {
        await using var cluster = await TestCluster.StartAsync();
        using var container = await StartAsync(cluster);

        var info = JsonSerializer.Deserialize(await container.GetStringAsync(new Uri("/info", UriKind.Relative)), WireJson.Contract.InfoResponse)!;

        Assert.Equal(
            ["cluster_name", "region", "api_version", "operator_id", "cluster_id", "is_operator_in_cluster"],
            info.ClusterConfig.EnumerateObject().Select(member => member.Name));
        Assert.Empty(info.WorkerNodeInfos);
        Assert.Equal("1.2.3", info.ClusterConfig.GetProperty("api_version").GetString());
        await cluster.DeployAsync(Own(ClientAccess.Admin), force: true);
        Assert.Contains("\"docker\"", await container.GetStringAsync(new Uri("/info", UriKind.Relative)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Answers_BelowAdmin_HaveNoValueOfAVariable()
    {
        await using var cluster = await TestCluster.StartAsync();
        using var container = await StartAsync(cluster);
        foreach (var level in new[] { ClientAccess.Read, ClientAccess.Submit })
        {
            await cluster.DeployAsync(Own(level), force: true);
            var version = (await cluster.GetAsync("/get/own")).Spec!.Id;
            foreach (var path in new[] { "/get", "/get/own", $"/get/own/{version}", "/describe/own", "/info", "/get/train", "/get/own?showEnv=true", "/get/train?showEnv=true" })
            {
                using var response = await container.GetAsync(new Uri(path, UriKind.Relative));
                Assert.DoesNotContain(Secret, await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public async Task Token_LivesAsLongAsItsApi()
    {
        var first = await TestCluster.StartAsync();
        await first.DeployAsync(Own(ClientAccess.Submit));
        var token = Token(await FilesAsync(first, "own"))!;
        await first.DeployAsync(Own(ClientAccess.Submit).Replace("app:1", "app:2", StringComparison.Ordinal), force: true);
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(first, token, "/get/own"));

        await using var cluster = await first.RestartAsync();
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(cluster, token, "/get/own"));

        using (await cluster.Client.DeleteAsync(new Uri("/delete/own", UriKind.Relative)))
        {
            using var dead = Client(cluster, token);
            foreach (var path in new[] { "/get/own", "/get", "/tasks/own?jobID=1" })
            {
                using var response = await dead.GetAsync(new Uri(path, UriKind.Relative));
                Assert.Equal("endpoints.auth_invalid_token", (await TestCluster.ErrorAsync(response, HttpStatusCode.Forbidden)).Kind);
            }
        }

        await Eventually.TrueAsync(() => cluster.Machine.Definitions.Count == 0, "the replicas are gone");
        await cluster.DeployAsync(Own(ClientAccess.Submit));
        Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(cluster, token, "/get/own"));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(cluster, Token(await FilesAsync(cluster, "own"))!, "/get/own"));
    }

    [Fact]
    public async Task Containers_OfEveryKind_FindTheirToken()
    {
        await using var cluster = await TestCluster.StartAsync();
        using var container = await StartAsync(cluster);
        using var task = await cluster.Client.PostAsync(new Uri("/tasks/train", UriKind.Relative), new StringContent("{}"));
        using var batch = await cluster.Client.PostAsync(
            new Uri("/batch/score", UriKind.Relative), new StringContent("""{"workers": 1, "item_list": {"items": [1], "batch_size": 1}}""", Encoding.UTF8, "application/json"));

        foreach (var api in new[] { "own", "other", "train", "score" })
        {
            var yaml = await FilesAsync(cluster, api);
            Assert.StartsWith($"""
                default_environment: default
                environments:
                  - name: default
                    operator_endpoint: http://operator.default.svc.cluster.local:8888
                    token: cortex-api.{api}.
                """, yaml, StringComparison.Ordinal);
            Assert.EndsWith("\n", yaml, StringComparison.Ordinal);
            Assert.Equal(HttpStatusCode.OK, await StatusAsync(cluster, Token(yaml)!, $"/get/{api}"));
        }
    }

    [Fact]
    public async Task Containers_WithoutAccess_FindTheOperatorAndNoToken()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(Own(ClientAccess.None));

        Assert.Equal("""
            default_environment: default
            environments:
              - name: default
                operator_endpoint: http://operator.default.svc.cluster.local:8888

            """, await FilesAsync(cluster, "own"));
    }

    [Fact]
    public async Task Update_FromNoneOrToIt_ReplacesTheReplicas()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(Own(ClientAccess.Read));
        var read = (await cluster.GetAsync("/get/own")).Spec!;

        await cluster.DeployAsync(Own(ClientAccess.Admin), force: true);
        var admin = (await cluster.GetAsync("/get/own")).Spec!;
        await cluster.DeployAsync(Own(ClientAccess.None), force: true);
        var none = (await cluster.GetAsync("/get/own")).Spec!;

        Assert.Equal(3, new[] { read.SpecId, admin.SpecId, none.SpecId }.Distinct().Count());
        Assert.Equal(read.PodId, admin.PodId);
        Assert.NotEqual(admin.PodId, none.PodId);
    }

    [Fact]
    public async Task Job_SubmittedWithTheToken_MayBeAskedForButNotEndedUnlessItIsOnesOwn()
    {
        await using var cluster = await TestCluster.StartAsync();
        using var container = await StartAsync(cluster);
        using var submitted = await container.PostAsync(new Uri("/tasks/train", UriKind.Relative), new StringContent("{}"));
        using var job = JsonDocument.Parse(await submitted.Content.ReadAsStringAsync());
        var path = new Uri($"/tasks/train?jobID={job.RootElement.GetProperty("job_id").GetString()}", UriKind.Relative);

        var answer = await container.GetStringAsync(path);
        Assert.DoesNotContain(Secret, answer, StringComparison.Ordinal);
        using var refused = await container.DeleteAsync(path);
        Assert.Equal("endpoints.client_access", (await TestCluster.ErrorAsync(refused, HttpStatusCode.Forbidden)).Kind);
        using var train = Client(cluster, Token(await FilesAsync(cluster, "train"))!);
        using var stopped = await train.DeleteAsync(path);
        Assert.Equal(HttpStatusCode.OK, stopped.StatusCode);
    }

    private static string Own(ClientAccess access) => Api("own", "RealtimeAPI") + $"  client_access: {Text(access)}\n  update_strategy: {{max_surge: 1, max_unavailable: 0}}\n";

    private static string Api(string name, string kind) => $$$"""
        - name: {{{name}}}
          kind: {{{kind}}}
          pod: {containers: [{name: c, image: "app:1", command: [run], env: {TOKEN: {{{Secret}}}}}]}

        """;

    private static string Text(ClientAccess access) => access.ToString().ToLowerInvariant();

    // Own, which submits, and three others; the client is one of its containers.
    private static async Task<HttpClient> StartAsync(TestCluster cluster)
    {
        await cluster.DeployAsync(Own(ClientAccess.Submit) + Api("other", "AsyncAPI") + Api("train", "TaskAPI") + Api("score", "BatchAPI"));
        return Client(cluster, Token(await FilesAsync(cluster, "own"))!);
    }

    private static HttpClient Client(TestCluster cluster, string token)
    {
        var client = new HttpClient { BaseAddress = cluster.Url };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return client;
    }

    private static async Task<HttpStatusCode> StatusAsync(TestCluster cluster, string token, string path)
    {
        using var client = Client(cluster, token);
        using var response = await client.GetAsync(new Uri(path, UriKind.Relative));
        return response.StatusCode;
    }

    private static async Task<string> FilesAsync(TestCluster cluster, string api)
    {
        string? yaml = null;
        await Eventually.TrueAsync(() => (yaml = cluster.Machine.Definitions.FirstOrDefault(pod => pod.Labels["apiName"] == api)?.Files["/cortex/client/cli.yaml"]) is not null, $"{api} has a pod");
        return yaml!;
    }

    private static string? Token(string yaml) =>
        yaml.Split('\n').Select(line => line.Trim()).FirstOrDefault(line => line.StartsWith("token: ", StringComparison.Ordinal))?["token: ".Length..];

    private static async Task<IReadOnlyList<ApiResponse>> ListAsync(HttpClient client, string path) =>
        JsonSerializer.Deserialize(await client.GetStringAsync(new Uri(path, UriKind.Relative)), WireJson.Contract.IReadOnlyListApiResponse)!;
}
