using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Cortex.Core.Clusters;

namespace Cortex.Operator.Tests.Endpoints;

public sealed class RoutesTests
{
    [Fact]
    public async Task OpenApi_DescribesExactlyTheRoutes()
    {
        await using var cluster = await TestCluster.StartAsync();

        using var document = JsonDocument.Parse(await cluster.Client.GetStringAsync(new Uri("/openapi.json", UriKind.Relative)));

        var described = document.RootElement.GetProperty("paths").EnumerateObject()
            .SelectMany(path => path.Value.EnumerateObject().Select(operation => $"{operation.Name.ToUpperInvariant()} {path.Name}"));
        Assert.Equal(cluster.Routes.Order(StringComparer.Ordinal), described.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task UnknownPath_IsNotFoundInPlainText()
    {
        await using var cluster = await TestCluster.StartAsync();

        using var response = await cluster.Client.GetAsync(new Uri("/nothing", UriKind.Relative));

        Assert.Equal((HttpStatusCode.NotFound, "404 page not found\n"), (response.StatusCode, await response.Content.ReadAsStringAsync()));
        Assert.Equal("text/plain", response.Content.Headers.ContentType!.MediaType);
    }

    [Theory]
    [InlineData("/get/")]
    [InlineData("/get/hello/")]
    [InlineData("/describe/hello/")]
    [InlineData("/verifycortex/")]
    public async Task SlashAtTheEnd_IsNotFound(string path)
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(TestCluster.Api("hello"));

        using var response = await cluster.Client.GetAsync(new Uri(path, UriKind.Relative));

        Assert.Equal((HttpStatusCode.NotFound, "404 page not found\n"), (response.StatusCode, await response.Content.ReadAsStringAsync()));
    }

    [Theory]
    [InlineData("//get", "/get")]
    [InlineData("/get//a", "/get/a")]
    [InlineData("//get///a//?x=%2F%2F", "/get/a/?x=%2F%2F")]
    [InlineData("//", "/")]
    public async Task SlashesInARow_AreRedirected(string path, string location)
    {
        await using var cluster = await TestCluster.StartAsync();
        using var client = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false });

        using var response = await client.GetAsync(new Uri($"http://{cluster.Url.Authority}{path}"));

        Assert.Equal((HttpStatusCode.MovedPermanently, location), (response.StatusCode, response.Headers.Location!.OriginalString));
    }

    [Fact]
    public async Task VerifyCortex_NeedsNoToken()
    {
        await using var cluster = await TestCluster.StartAsync();
        using var anonymous = new HttpClient { BaseAddress = cluster.Url };

        Assert.Equal("{}", await anonymous.GetStringAsync(new Uri("/verifycortex", UriKind.Relative)));
    }

    [Theory]
    [InlineData(null, HttpStatusCode.Unauthorized, "endpoints.header_missing")]
    [InlineData("Bearer wrong", HttpStatusCode.Forbidden, "endpoints.auth_invalid_token")]
    [InlineData("Basic secret", HttpStatusCode.Forbidden, "endpoints.auth_invalid_token")]
    public async Task Get_WithoutTheToken_IsRefused(string? header, HttpStatusCode status, string kind)
    {
        await using var cluster = await TestCluster.StartAsync();
        using var client = new HttpClient { BaseAddress = cluster.Url };
        client.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", header);
        client.DefaultRequestHeaders.Add("X-Cortex-Authorization", "e30");

        foreach (var path in new[] { "/get", "/info", "/get/x", "/describe/x", "/logs/x", "/streamlogs/x" })
        {
            using var response = await client.GetAsync(new Uri(path, UriKind.Relative));
            Assert.Equal(kind, (await TestCluster.ErrorAsync(response, status)).Kind);
        }

        using var deploy = await client.PostAsync(new Uri("/deploy?configFileName=x", UriKind.Relative), null);
        Assert.Equal(status, deploy.StatusCode);
        using var delete = await client.DeleteAsync(new Uri("/delete/x", UriKind.Relative));
        Assert.Equal(status, delete.StatusCode);
    }

    [Theory]
    [InlineData("POST", "/deploy?configFileName=x")]
    [InlineData("POST", "/rollback/x")]
    [InlineData("POST", "/refresh/x")]
    [InlineData("DELETE", "/delete/x")]
    [InlineData("POST", "/batch/x")]
    [InlineData("DELETE", "/batch/x?jobID=1")]
    [InlineData("POST", "/tasks/x")]
    [InlineData("DELETE", "/tasks/x?jobID=1")]
    public async Task Change_FromAStrangersPage_IsRefused(string method, string path)
    {
        await using var cluster = await TestCluster.StartAsync();
        foreach (var (name, value) in new[] { ("Host", "evil.example"), ("Origin", "http://evil.example"), ("Sec-Fetch-Site", "cross-site") })
        {
            using var request = new HttpRequestMessage(new HttpMethod(method), new Uri(path, UriKind.Relative));
            request.Headers.TryAddWithoutValidation(name, value);
            using var response = await cluster.Client.SendAsync(request);
            Assert.Equal("endpoints.foreign_request", (await TestCluster.ErrorAsync(response, HttpStatusCode.Forbidden)).Kind);
        }
    }

    [Fact]
    public async Task Metrics_OtherMachine_NeedsTheToken()
    {
        await using var cluster = await TestCluster.StartAsync();
        using var anonymous = new HttpClient { BaseAddress = cluster.Url };
        Assert.Contains("cortex", await anonymous.GetStringAsync(new Uri("/metrics", UriKind.Relative)), StringComparison.Ordinal);

        // A proxy on this machine speaks for others.
        anonymous.DefaultRequestHeaders.Add("X-Forwarded-For", "203.0.113.7");
        using var refused = await anonymous.GetAsync(new Uri("/metrics", UriKind.Relative));
        Assert.Equal("endpoints.header_missing", (await TestCluster.ErrorAsync(refused, HttpStatusCode.Unauthorized)).Kind);
        cluster.Client.DefaultRequestHeaders.Add("X-Forwarded-For", "203.0.113.7");
        Assert.Contains("cortex", await cluster.Client.GetStringAsync(new Uri("/metrics", UriKind.Relative)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Metrics_OpenByConfiguration_NeedNoToken()
    {
        await using var cluster = await TestCluster.StartAsync(new ClusterConfig { Access = new AccessSettings { OpenMetrics = true } });
        using var anonymous = new HttpClient { BaseAddress = cluster.Url };
        anonymous.DefaultRequestHeaders.Add("X-Forwarded-For", "203.0.113.7");

        Assert.Contains("cortex", await anonymous.GetStringAsync(new Uri("/metrics", UriKind.Relative)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Connections_IdleOnesOfOneAddress_ShutNobodyOut()
    {
        await using var cluster = await TestCluster.StartAsync(new ClusterConfig { Limits = new LimitSettings { MaxConnections = 20, MaxConnectionsPerAddress = 10 } });
        List<TcpClient> idle = [];
        for (var i = 0; i < 50; i++)
        {
            idle.Add(new TcpClient());
            await idle[^1].ConnectAsync(IPAddress.Loopback, cluster.Url.Port);
        }

        Assert.Equal("{}", await cluster.Client.GetStringAsync(new Uri("/verifycortex", UriKind.Relative)));
        idle.ForEach(static client => client.Dispose());
    }

    [Theory]
    [InlineData("0.42.0", true)]
    [InlineData("0.42.1", true)]
    [InlineData("1.0.0", true)]
    [InlineData("1.9.9", true)]
    [InlineData("0.41.0", false)]
    [InlineData("2.0.0", false)]
    public async Task Get_ClientVersion_MustFit(string version, bool fits)
    {
        await using var cluster = await TestCluster.StartAsync();
        cluster.Client.DefaultRequestHeaders.Add("CortexAPIVersion", version);

        using var response = await cluster.Client.GetAsync(new Uri("/get", UriKind.Relative));
        using var info = await cluster.Client.GetAsync(new Uri("/info", UriKind.Relative));

        Assert.Equal(fits ? HttpStatusCode.OK : HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal(HttpStatusCode.OK, info.StatusCode);
        if (!fits)
        {
            Assert.Equal("endpoints.api_version_mismatch", (await TestCluster.ErrorAsync(response)).Kind);
        }
    }

    [Theory]
    [InlineData("/get/none", "resources.api_not_deployed")]
    [InlineData("/describe/none", "resources.api_not_deployed")]
    [InlineData("/logs/none", "resources.api_not_deployed")]
    [InlineData("/streamlogs/none", "resources.api_not_deployed")]
    [InlineData("/get/none/7fffffff-x-y", "resources.api_id_not_found")]
    [InlineData("/batch/none?jobID=1", "resources.api_not_deployed")]
    [InlineData("/tasks/none?jobID=1", "resources.api_not_deployed")]
    public async Task Get_UnknownApi_SaysSo(string path, string kind)
    {
        await using var cluster = await TestCluster.StartAsync();

        using var response = await cluster.Client.GetAsync(new Uri(path, UriKind.Relative));

        Assert.Equal(kind, (await TestCluster.ErrorAsync(response)).Kind);
    }

    [Fact]
    public async Task Jobs_OfARealtimeApi_AreRefused()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(TestCluster.Api("hello"));

        using var batch = await cluster.Client.PostAsync(new Uri("/batch/hello", UriKind.Relative), null);
        using var logs = await cluster.Client.GetAsync(new Uri("/logs/hello?jobID=1", UriKind.Relative));

        Assert.Equal("resources.operation_is_only_supported_for_kind", (await TestCluster.ErrorAsync(batch)).Kind);
        Assert.Equal("resources.operation_is_only_supported_for_kind", (await TestCluster.ErrorAsync(logs)).Kind);
    }

    [Fact]
    public async Task UnknownPathAndMethod_AreRefused()
    {
        await using var cluster = await TestCluster.StartAsync();

        using var path = await cluster.Client.GetAsync(new Uri("/nothing", UriKind.Relative));
        using var method = await cluster.Client.PutAsync(new Uri("/get", UriKind.Relative), null);

        Assert.Equal(HttpStatusCode.NotFound, path.StatusCode);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, method.StatusCode);
    }

    [Fact]
    public async Task Info_ShowsMachineAndReservations()
    {
        await using var cluster = await TestCluster.StartAsync();
        cluster.Machine.CpuMillis = 400;
        await cluster.DeployAsync(TestCluster.Api("hello", replicas: 3));
        await cluster.ReadyAsync("hello", 2);

        using var info = JsonDocument.Parse(await cluster.Client.GetStringAsync(new Uri("/info", UriKind.Relative)));

        var node = info.RootElement.GetProperty("worker_node_infos")[0];
        Assert.Equal("400m", node.GetProperty("compute_user_capacity").GetProperty("cpu").GetString());
        Assert.Equal("0m", node.GetProperty("compute_available").GetProperty("cpu").GetString());
        Assert.Equal(2, node.GetProperty("num_replicas").GetInt32());
        Assert.Equal(1, info.RootElement.GetProperty("num_pending_replicas").GetInt32());
        Assert.Equal("1.2.3", info.RootElement.GetProperty("cluster_config").GetProperty("api_version").GetString());
        Assert.Equal("cortex", info.RootElement.GetProperty("cluster_config").GetProperty("cluster_name").GetString());
        Assert.True(info.RootElement.GetProperty("health").GetProperty("runtime").GetBoolean());
    }

    [Fact]
    public async Task Metrics_CombineGatewayAndReplicas()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(TestCluster.Api("hello"));
        await cluster.ReadyAsync("hello", 1);

        var text = await cluster.Client.GetStringAsync(new Uri("/metrics", UriKind.Relative));

        Assert.Contains("gateway_up 1\n", text, StringComparison.Ordinal);
        Assert.Contains("cortex_replicas{api_name=\"hello\",api_kind=\"RealtimeAPI\",state=\"Ready\"} 1\n", text, StringComparison.Ordinal);
        Assert.Contains("cortex_replicas_wanted{api_name=\"hello\",api_kind=\"RealtimeAPI\"} 1\n", text, StringComparison.Ordinal);
    }
}
