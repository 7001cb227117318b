using System.Globalization;
using Cortex.GrpcServer;
using Grpc.Core;
using Grpc.Net.Client;

namespace Cortex.EndToEnd.Tests;

/// <summary>A real gRPC client and a real gRPC server in a container, with the gateway between them.</summary>
public sealed class GrpcTests(LocalCluster cluster) : IClassFixture<LocalCluster>
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task Calls_OfEveryKind_AreAnsweredAsIfNothingWereBetween()
    {
        await DeployAsync("calls", "1", replicas: 1);
        using var channel = Channel();
        var client = Client(channel, "calls");

        using (var call = client.SayAsync(Text("hello"), deadline: Deadline()))
        {
            Assert.Equal("hello", (await call.ResponseHeadersAsync).GetValue("head"));
            Assert.Equal("hello", (await call.ResponseAsync).Text);
            Assert.Equal(StatusCode.OK, call.GetStatus().StatusCode);
            Assert.Equal("hello", call.GetTrailers().GetValue("tail"));
        }

        var failed = await Assert.ThrowsAsync<RpcException>(() => client.SayAsync(Text("fail"), deadline: Deadline()).ResponseAsync);
        Assert.Equal((StatusCode.NotFound, "no such words", "because"), (failed.StatusCode, failed.Status.Detail, failed.Trailers.GetValue("why")));

        using (var call = client.Count(Text("1000"), deadline: Deadline()))
        {
            var next = 0;
            await foreach (var words in call.ResponseStream.ReadAllAsync())
            {
                Assert.Equal(next++.ToString(CultureInfo.InvariantCulture), words.Text);
            }

            Assert.Equal(1000, next);
        }

        using (var call = client.Join(deadline: Deadline()))
        {
            for (var i = 0; i < 100; i++)
            {
                await call.RequestStream.WriteAsync(Text(i.ToString(CultureInfo.InvariantCulture)));
            }

            await call.RequestStream.CompleteAsync();
            Assert.Equal(string.Join(' ', Enumerable.Range(0, 100)), (await call.ResponseAsync).Text);
        }

        using (var call = client.Chat(deadline: Deadline()))
        {
            for (var i = 0; i < 100; i++)
            {
                await call.RequestStream.WriteAsync(Text($"word {i}"));
                Assert.True(await call.ResponseStream.MoveNext());
                Assert.Equal($"word {i}", call.ResponseStream.Current.Text);
            }

            await call.RequestStream.CompleteAsync();
            Assert.False(await call.ResponseStream.MoveNext());
        }

        await cluster.Cli.OkAsync("delete", "calls", "-f");
    }

    [Fact]
    public async Task Call_EndedByDeadlineOrClient_IsCancelledInTheContainer()
    {
        await DeployAsync("ends", "1", replicas: 1);
        using var channel = Channel();
        var client = Client(channel, "ends");

        var late = client.SayAsync(Text("hang"), deadline: DateTime.UtcNow.AddSeconds(10)).ResponseAsync;
        await HungAsync(client, "1 0");
        Assert.Equal(StatusCode.DeadlineExceeded, (await Assert.ThrowsAsync<RpcException>(() => late)).StatusCode);
        await HungAsync(client, "1 1");

        using var leave = new CancellationTokenSource();
        var hanging = client.SayAsync(Text("hang"), cancellationToken: leave.Token).ResponseAsync;
        await HungAsync(client, "2 1");
        await leave.CancelAsync();
        Assert.Equal(StatusCode.Cancelled, (await Assert.ThrowsAsync<RpcException>(() => hanging)).StatusCode);
        await HungAsync(client, "2 2");
        await cluster.Cli.OkAsync("delete", "ends", "-f");
    }

    [Fact]
    public async Task Calls_AHundredOnOneConnection_EachGetsItsOwnAnswer()
    {
        await DeployAsync("hundred", "1", replicas: 1);
        using var channel = Channel();
        var client = Client(channel, "hundred");

        var answers = await Task.WhenAll(Enumerable.Range(0, 100).Select(
            async i => (await client.SayAsync(Text($"call {i}"), deadline: Deadline()).ResponseAsync).Text));

        Assert.Equal(Enumerable.Range(0, 100).Select(static i => $"call {i}"), answers);
        await cluster.Cli.OkAsync("delete", "hundred", "-f");
    }

    [Fact]
    public async Task Calls_ThroughAnUpdate_NoneFails()
    {
        await DeployAsync("updates", "1", replicas: 2);
        using var channel = Channel();
        var client = Client(channel, "updates");
        using var stop = new CancellationTokenSource();
        HashSet<string> versions = [];
        var calls = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                versions.Add((await client.SayAsync(Text("x"), deadline: Deadline()).ResponseAsync).Version);
            }
        });
        using var chat = client.Chat(deadline: Deadline());
        await chat.RequestStream.WriteAsync(Text("before"));
        Assert.True(await chat.ResponseStream.MoveNext());

        var update = DeployAsync("updates", "2", replicas: 2);
        await Eventually.TrueAsync(
            async () => (await client.SayAsync(Text("x"), deadline: Deadline()).ResponseAsync).Version == "2", "version 2 answers");
        await chat.RequestStream.WriteAsync(Text("after"));
        Assert.True(await chat.ResponseStream.MoveNext());
        Assert.Equal(("after", "1"), (chat.ResponseStream.Current.Text, chat.ResponseStream.Current.Version));
        await chat.RequestStream.CompleteAsync();
        Assert.False(await chat.ResponseStream.MoveNext());
        await update;
        await stop.CancelAsync();
        await calls;

        Assert.Equal(["1", "2"], versions.Order());
        await cluster.Cli.OkAsync("delete", "updates", "-f");
    }

    [Fact]
    public async Task Calls_ToAnApiAtZero_WakeIt()
    {
        await DeployAsync("wakes", "1", replicas: 0);
        using var channel = Channel();
        var client = Client(channel, "wakes");

        var answers = await Task.WhenAll(Enumerable.Range(0, 10).Select(
            async i => (await client.SayAsync(Text($"call {i}"), deadline: Deadline()).ResponseAsync).Text));

        Assert.Equal(Enumerable.Range(0, 10).Select(static i => $"call {i}"), answers);
        await cluster.Cli.OkAsync("delete", "wakes", "-f");
    }

    private static Words Text(string text) => new() { Text = text };

    private static DateTime Deadline() => DateTime.UtcNow + Limit;

    private static Task HungAsync(Echo.EchoClient client, string counts) => Eventually.TrueAsync(
        async () => (await client.HungAsync(new Words(), deadline: Deadline()).ResponseAsync).Text == counts, $"the container has seen {counts}");

    private GrpcChannel Channel() => GrpcChannel.ForAddress(cluster.Apis);   // one connection, as long as it has streams left

    /// <summary>A gRPC client calls paths of its own; the endpoint goes before them.</summary>
    private static Echo.EchoClient Client(GrpcChannel channel, string endpoint) => new(new EndpointInvoker(channel.CreateCallInvoker(), endpoint));

    private async Task DeployAsync(string name, string version, int replicas)
    {
        await GrpcImage.EnsureAsync();
        await cluster.DeployAsync(LocalCluster.Api(name, version, replicas).Replace(TestImage.Name, GrpcImage.Name, StringComparison.Ordinal));
    }

    /// <summary>Puts an endpoint before the names of services.</summary>
    private sealed class EndpointInvoker(CallInvoker inner, string endpoint) : CallInvoker
    {
        public override TResponse BlockingUnaryCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) =>
            inner.BlockingUnaryCall(Below(method), host, options, request);

        public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) =>
            inner.AsyncUnaryCall(Below(method), host, options, request);

        public override AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) =>
            inner.AsyncServerStreamingCall(Below(method), host, options, request);

        public override AsyncClientStreamingCall<TRequest, TResponse> AsyncClientStreamingCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options) =>
            inner.AsyncClientStreamingCall(Below(method), host, options);

        public override AsyncDuplexStreamingCall<TRequest, TResponse> AsyncDuplexStreamingCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options) =>
            inner.AsyncDuplexStreamingCall(Below(method), host, options);

        private Method<TRequest, TResponse> Below<TRequest, TResponse>(Method<TRequest, TResponse> method) =>
            new(method.Type, $"{endpoint}/{method.ServiceName}", method.Name, method.RequestMarshaller, method.ResponseMarshaller);
    }
}
