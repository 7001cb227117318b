using System.Net.WebSockets;
using System.Text;
using Cortex.Client.Tests.Support;
using Cortex.Core.Errors;

namespace Cortex.Client.Tests;

/// <summary>Log lines, over a real web socket.</summary>
public sealed class LogsTests : IAsyncLifetime
{
    private readonly TaskCompletionSource<WebSocketCloseStatus?> _goodbye = new();
    private ClusterServer _server = null!;
    private CortexClient _client = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await ClusterServer.StartAsync();
        _client = _server.Connect(time: TimeProvider.System);
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Logs_PiecesOfLines_ComeAsLines()
    {
        Stream(follows: false, ("one\ntw", false), ("o\n\nthr\u00e4", false), ("e", true), ("four\nfive", true));

        Assert.Equal(["one", "two", "", "thr\u00e4e", "four", "five"], await ReadAsync(_client.LogsAsync("hello")));
        var request = Assert.Single(_server.Requests);
        Assert.Equal(("GET /streamlogs/hello?allPods=true&follow=false", "Bearer secret"), (request.Line, request.Headers["Authorization"]));
    }

    [Fact]
    public async Task Logs_Options_AreAskedFor()
    {
        Stream(follows: false);

        Assert.Empty(await ReadAsync(_client.LogsAsync("hello", new LogOptions { JobId = "j 1", AllReplicas = false, Tail = 0, Follow = true })));
        Assert.Equal("GET /streamlogs/hello?jobID=j%201&tail=0", Assert.Single(_server.Requests).Line);
    }

    [Fact]
    public async Task Logs_LeftEarly_SaysGoodbye()
    {
        Stream(follows: true, ("one\ntwo\n", true));

        await foreach (var line in _client.LogsAsync("hello", new LogOptions { Follow = true }))
        {
            Assert.Equal("one", line);
            break;
        }

        Assert.Equal(WebSocketCloseStatus.NormalClosure, await _goodbye.Task.WaitAsync(TimeSpan.FromSeconds(30)));
    }

    [Fact]
    public async Task Logs_Cancelled_SaysGoodbye()
    {
        Stream(follows: true, ("one\n", true));
        using var cancellation = new CancellationTokenSource();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var line in _client.LogsAsync("hello", new LogOptions { Follow = true }).WithCancellation(cancellation.Token))
            {
                await cancellation.CancelAsync();
            }
        });

        Assert.Equal(WebSocketCloseStatus.NormalClosure, await _goodbye.Task.WaitAsync(TimeSpan.FromSeconds(30)));
    }

    [Fact]
    public async Task Logs_Refused_HasTheOperatorsWords()
    {
        _server.On("GET /streamlogs/nope", """{"kind":"resources.api_not_deployed","message":"nope is not deployed"}""", 400);

        Assert.Equal("resources.api_not_deployed", (await Assert.ThrowsAsync<CortexException>(() => ReadAsync(_client.LogsAsync("nope")))).Kind);
    }

    [Fact]
    public async Task Logs_ConnectionBreaks_SaysSo()
    {
        var hasCome = new TaskCompletionSource();
        _server.On("GET /streamlogs/hello", async context =>
        {
            using var socket = await context.WebSockets.AcceptWebSocketAsync();
            await socket.SendAsync("one\n"u8.ToArray(), WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);
            await hasCome.Task;
            context.Abort();
        });

        var error = await Assert.ThrowsAsync<CortexException>(async () =>
        {
            await foreach (var line in _client.LogsAsync("hello"))
            {
                Assert.Equal("one", line);
                hasCome.SetResult();
            }
        });
        Assert.Equal("cli.operator_socket_read", error.Kind);
    }

    private void Stream(bool follows, params (string Text, bool IsEnd)[] pieces) => _server.On("GET /streamlogs/hello", async context =>
    {
        using var socket = await context.WebSockets.AcceptWebSocketAsync();
        foreach (var (text, isEnd) in pieces)
        {
            await socket.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, isEnd, CancellationToken.None);
        }

        if (!follows)
        {
            await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
            return;
        }

        var received = await socket.ReceiveAsync(new byte[10], CancellationToken.None);
        await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
        _goodbye.SetResult(received.CloseStatus);
    });

    private static async Task<List<string>> ReadAsync(IAsyncEnumerable<string> lines)
    {
        var all = new List<string>();
        await foreach (var line in lines)
        {
            all.Add(line);
        }

        return all;
    }
}
