using System.Net.WebSockets;
using System.Text;
using Cortex.Cli.Tests.Support;
using Cortex.Client;
using Cortex.Client.Environments;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Cortex.Cli.Tests.Commands;

/// <summary>Logs over real web sockets.</summary>
public sealed class LogsCommandTests : IAsyncLifetime
{
    private readonly CliFixture _cli = new() { Time = TimeProvider.System, Transport = _ => new SocketsHttpHandler { UseProxy = false } };
    private readonly TaskCompletionSource<WebSocketCloseStatus?> _closedByClient = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private WebApplication? _server;
    private Func<WebSocket, HttpContext, Task> _stream = (_, _) => Task.CompletedTask;
    private string _request = "";

    public async ValueTask InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _server = builder.Build();
        _server.UseWebSockets();
        _server.Run(async context =>
        {
            _request = $"{context.Request.Path}{context.Request.QueryString} {context.Request.Headers.Authorization} {context.Request.Headers["CortexAPIVersion"]}";
            if (context.Request.Path != "/streamlogs/hello")
            {
                context.Response.StatusCode = StatusCodes.Status400BadRequest;
                await context.Response.WriteAsync("{\"kind\":\"resources.api_not_deployed\",\"message\":\"nope is not deployed\"}\n");
                return;
            }

            using var socket = await context.WebSockets.AcceptWebSocketAsync();
            await _stream(socket, context);
        });
        await _server.StartAsync(TestContext.Current.CancellationToken);
        new CliConfigStore(_cli.ConfigDirectory).Save(new CliConfig
        {
            DefaultEnvironment = "here",
            Environments = [new CortexEnvironment { Name = "here", OperatorEndpoint = _server.Urls.Single(), Token = "secret" }],
        });
    }

    public async ValueTask DisposeAsync()
    {
        await _server!.DisposeAsync();
        _cli.Dispose();
    }

    [Fact]
    public async Task Logs_ServerEnds_PrintsALinePerMessage()
    {
        _stream = async (socket, _) =>
        {
            await SendAsync(socket, "pod-1/api hello\n");
            await SendAsync(socket, "no newline");
            await SendAsync(socket, new string('ü', 20_000) + "\n");
            await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
        };

        var result = await _cli.RunAsync("logs", "hello");

        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.Equal($"pod-1/api hello\nno newline\n{new string('ü', 20_000)}\n", result.Out);
        Assert.Equal($"/streamlogs/hello?allPods=true Bearer secret {ProductVersion.Current}", _request);
    }

    [Fact]
    public async Task Logs_Interrupted_ClosesAndExitsWithZero()
    {
        using var interrupt = new CancellationTokenSource();
        _stream = async (socket, _) =>
        {
            await SendAsync(socket, "first\n");
            var received = await socket.ReceiveAsync(new byte[16], CancellationToken.None);
            _closedByClient.SetResult(received.CloseStatus);
        };

        var (output, error) = (new WatchedWriter(interrupt.Cancel), new StringWriter());
        var exitCode = await CommandLine.RunAsync(["logs", "hello"], _cli.Host(output, error), interrupt.Token);

        Assert.Equal((0, "first\n", ""), (exitCode, output.ToString(), error.ToString()));
        Assert.Equal(WebSocketCloseStatus.NormalClosure, await _closedByClient.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Logs_ConnectionLost_IsAnError()
    {
        var printed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _stream = async (socket, context) =>
        {
            await SendAsync(socket, "first\n");
            await printed.Task;
            context.Abort();
        };

        var (output, error) = (new WatchedWriter(printed.SetResult), new StringWriter());
        var exitCode = await CommandLine.RunAsync(["logs", "hello"], _cli.Host(output, error), TestContext.Current.CancellationToken);

        Assert.Equal((1, "first\n"), (exitCode, output.ToString()));
        Assert.StartsWith("error: the connection to the operator of the here environment was lost", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Logs_ServerEndsWithAnError_PrintsItsReason()
    {
        _stream = (socket, _) => socket.CloseAsync(WebSocketCloseStatus.InternalServerError, "docker is gone", CancellationToken.None);

        var result = await _cli.RunAsync("logs", "hello");

        Assert.Equal((1, "error: the operator ended the logs: docker is gone\n"), (result.ExitCode, result.Error));
    }

    [Fact]
    public async Task Logs_UnknownApi_PrintsTheOperatorsMessage()
    {
        var result = await _cli.RunAsync("logs", "nope");

        Assert.Equal((1, "", "error: nope is not deployed\n"), (result.ExitCode, result.Out, result.Error));
    }

    [Fact]
    public async Task Logs_NobodyListens_SaysSo()
    {
        await _server!.StopAsync(TestContext.Current.CancellationToken);

        var result = await _cli.RunAsync("logs", "hello");

        Assert.Equal(1, result.ExitCode);
        Assert.StartsWith("error: failed to connect to the operator of the here environment at http://127.0.0.1:", result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--random-pod", "/streamlogs/hello ")]
    [InlineData("--tail 5 --no-follow", "/streamlogs/hello?allPods=true&tail=5&follow=false ")]
    [InlineData("job1 --random-pod -y", "/streamlogs/hello?jobID=job1 ")]
    public async Task Logs_Flags_BecomeTheQuery(string flags, string expected)
    {
        _stream = (socket, _) => socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);

        Assert.Equal(0, (await _cli.RunAsync(["logs", "hello", .. flags.Split(' ')])).ExitCode);

        Assert.StartsWith(expected, _request, StringComparison.Ordinal);
    }

    /// <summary>Does something as soon as something is printed.</summary>
    private sealed class WatchedWriter(Action printed) : StringWriter
    {
        public override void Write(char[] buffer, int index, int count)
        {
            base.Write(buffer, index, count);
            printed();
        }
    }

    private static Task SendAsync(WebSocket socket, string text) =>
        socket.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);
}
