using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using Cortex.Core.Clusters;
using Cortex.Operator.Logs;
using Cortex.Runtimes.Fake;

namespace Cortex.Operator.Tests.Logs;

public sealed class LogStreamerTests
{
    [Theory]
    [InlineData("plain", "plain\n")]
    [InlineData("{\"message\":\"said\"}", "said\n")]
    [InlineData("{\"message\":\"said\",\"exc_info\":\"trace\"}", "said\n|trace\n")]
    [InlineData("{\"other\":1}", "{\"other\":1}\n")]
    [InlineData("{not json", "{not json\n")]
    public void Unwrap_Line_GivesItsMessage(string line, string expected)
    {
        Assert.Equal(expected, string.Join('|', LogStreamer.Unwrap(line)));
    }

    [Fact]
    public async Task Stream_OneReplica_SendsOneMessagePerLineAndClosesWhenItEnds()
    {
        await using var cluster = await TestCluster.StartAsync();
        cluster.Machine.Behaviour = new FakeBehaviour { Log = ["first", "{\"message\":\"second\"}"] };
        await cluster.DeployAsync(TestCluster.Api("hello"));
        await cluster.ReadyAsync("hello", 1);
        using var socket = await ConnectAsync(cluster, "/streamlogs/hello");

        var lines = new[] { await ReceiveAsync(socket), await ReceiveAsync(socket) };
        cluster.Machine.Remove(Assert.Single(cluster.DataPlane.Route("hello")!.Replicas).Id);
        var end = await ReceiveAsync(socket);

        Assert.Equal("first\n|second\n", string.Join('|', lines));
        Assert.Null(end);
        Assert.Equal(WebSocketCloseStatus.NormalClosure, socket.CloseStatus);
    }

    [Fact]
    public async Task Stream_AllPods_PrefixesLinesAndFollowsNewReplicas()
    {
        await using var cluster = await TestCluster.StartAsync();
        cluster.Machine.Behaviour = new FakeBehaviour { Log = ["line"] };
        await cluster.DeployAsync(TestCluster.Api("hello"));
        await cluster.ReadyAsync("hello", 1);
        using var socket = await ConnectAsync(cluster, "/streamlogs/hello?allPods=true");
        var first = Assert.Single(cluster.DataPlane.Route("hello")!.Replicas).Id;
        Assert.Equal($"{first}/api line\n", await ReceiveAsync(socket));

        await cluster.DeployAsync(TestCluster.Api("hello", replicas: 2));
        await cluster.ReadyAsync("hello", 2);

        var second = cluster.DataPlane.Route("hello")!.Replicas.Single(replica => replica.Id != first).Id;
        Assert.Equal($"{second}/api line\n", await ReceiveAsync(socket));
    }

    [Fact]
    public async Task Stream_PlainGet_IsTextWithoutFollowing()
    {
        await using var cluster = await TestCluster.StartAsync();
        cluster.Machine.Behaviour = new FakeBehaviour { Log = ["one", "two", "three"] };
        await cluster.DeployAsync(TestCluster.Api("hello"));
        await cluster.ReadyAsync("hello", 1);

        var text = await cluster.Client.GetStringAsync(new Uri("/streamlogs/hello?follow=false&tail=2", UriKind.Relative));

        Assert.Equal("two\nthree\n", text);
    }

    [Fact]
    public async Task Stream_TooManyReaders_AreRefusedUntilOneLeaves()
    {
        await using var cluster = await TestCluster.StartAsync(new ClusterConfig { Limits = new LimitSettings { LogStreams = 1 } });
        cluster.Machine.Behaviour = new FakeBehaviour { Log = ["line"] };
        await cluster.DeployAsync(TestCluster.Api("hello"));
        await cluster.ReadyAsync("hello", 1);
        using (var socket = await ConnectAsync(cluster, "/streamlogs/hello"))
        {
            Assert.Equal("line\n", await ReceiveAsync(socket));

            using var refused = await cluster.Client.GetAsync(new Uri("/streamlogs/hello?follow=false", UriKind.Relative));

            Assert.Contains("raise limits.log_streams", (await TestCluster.ErrorAsync(refused, HttpStatusCode.ServiceUnavailable)).Message, StringComparison.Ordinal);
        }

        await Eventually.TrueAsync(() => IsLetIn(cluster), "the next one is let in");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Stream_ReaderStopsReading_IsCutOff(bool asWebSocket)
    {
        await using var cluster = await TestCluster.StartAsync(new ClusterConfig { Limits = new LimitSettings { LogStreams = 1, LogStall = TimeSpan.FromSeconds(1) } });

        // More than the buffers of both ends hold.
        cluster.Machine.Behaviour = new FakeBehaviour { Log = [.. Enumerable.Repeat(new string('x', 1024 * 1024), 64)] };
        await cluster.DeployAsync(TestCluster.Api("hello"));
        await cluster.ReadyAsync("hello", 1);
        using var reader = new TcpClient();
        await reader.ConnectAsync(IPAddress.Loopback, cluster.Url.Port, TestContext.Current.CancellationToken);
        var upgrade = asWebSocket ? "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" : "";
        await reader.GetStream().WriteAsync(
            Encoding.ASCII.GetBytes($"GET /streamlogs/hello HTTP/1.1\r\nHost: {cluster.Url.Authority}\r\nAuthorization: Bearer {TestCluster.Token}\r\n{upgrade}\r\n"), TestContext.Current.CancellationToken);
        Assert.True(await reader.GetStream().ReadAsync(new byte[100], TestContext.Current.CancellationToken) > 0);

        Assert.False(IsLetIn(cluster));
        await Eventually.TrueAsync(() => IsLetIn(cluster), "it is cut off");
    }

    [Fact]
    public async Task Stream_NoReplica_SaysSoAndCloses()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(TestCluster.Api("hello", replicas: 0));
        using var socket = await ConnectAsync(cluster, "/streamlogs/hello");

        Assert.Equal("no replicas of hello are running\n", await ReceiveAsync(socket));
        Assert.Null(await ReceiveAsync(socket));
    }

    [Fact]
    public async Task Stream_ReplicaNotStarted_TellsThatItWaits()
    {
        await using var cluster = await TestCluster.StartAsync();
        cluster.Machine.Behaviour = new FakeBehaviour { NoRoom = "needs 4 CPU, 1 free" };
        await cluster.DeployAsync(TestCluster.Api("hello"));
        await Eventually.TrueAsync(() => cluster.Runtime.List().Count == 1, "a replica");
        using var socket = await ConnectAsync(cluster, "/streamlogs/hello");

        Assert.Equal("waiting for pod to initialize ... (needs 4 CPU, 1 free)\n", await ReceiveAsync(socket));
    }

    [Fact]
    public async Task Stream_ApiDeletedWhileItWaits_SaysSoAndCloses()
    {
        await using var cluster = await TestCluster.StartAsync();
        cluster.Machine.Behaviour = new FakeBehaviour { NoRoom = "needs 4 CPU, 1 free" };
        await cluster.DeployAsync(TestCluster.Api("hello"));
        await Eventually.TrueAsync(() => cluster.Runtime.List().Count == 1, "a replica");
        using var socket = await ConnectAsync(cluster, "/streamlogs/hello");
        Assert.StartsWith("waiting for pod", await ReceiveAsync(socket), StringComparison.Ordinal);

        using var deleted = await cluster.Client.DeleteAsync(new Uri("/delete/hello", UriKind.Relative), TestContext.Current.CancellationToken);

        Assert.Equal("hello was deleted\n", await ReceiveAsync(socket));
        Assert.Null(await ReceiveAsync(socket));
        Assert.Equal(WebSocketCloseStatus.NormalClosure, socket.CloseStatus);
    }

    [Theory]
    [InlineData("/streamlogs/hello")]
    [InlineData("/streamlogs/hello?allPods=true")]
    public async Task Stream_LogsUnreadable_SaysWhyAndClosesWithAnError(string path)
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(TestCluster.Api("hello"));
        await cluster.ReadyAsync("hello", 1);
        cluster.Machine.Unavailable = "docker is gone";
        using var socket = await ConnectAsync(cluster, path);

        Assert.Equal("the logs can't be read any further: docker is gone\n", await ReceiveAsync(socket));
        Assert.Null(await ReceiveAsync(socket));
        Assert.Equal(WebSocketCloseStatus.InternalServerError, socket.CloseStatus);
    }

    private static bool IsLetIn(TestCluster cluster)
    {
        using var response = cluster.Client.Send(new HttpRequestMessage(HttpMethod.Get, new Uri("/streamlogs/hello?follow=false&tail=0", UriKind.Relative)), HttpCompletionOption.ResponseHeadersRead);
        return response.StatusCode == HttpStatusCode.OK;
    }

    private static async Task<ClientWebSocket> ConnectAsync(TestCluster cluster, string path)
    {
        var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("Authorization", $"Bearer {TestCluster.Token}");
        await socket.ConnectAsync(new UriBuilder(cluster.Url) { Scheme = "ws", Path = path.Split('?')[0], Query = path.Contains('?', StringComparison.Ordinal) ? path.Split('?')[1] : "" }.Uri, TestContext.Current.CancellationToken);
        return socket;
    }

    private static async Task<string?> ReceiveAsync(ClientWebSocket socket)
    {
        using var bound = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var buffer = new byte[4096];
        var result = await socket.ReceiveAsync(buffer, bound.Token);
        return result.MessageType == WebSocketMessageType.Close ? null : Encoding.UTF8.GetString(buffer, 0, result.Count);
    }
}
