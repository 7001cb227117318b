using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using Cortex.Cli.Tests.Support;
using Cortex.Client;
using Cortex.Client.Environments;
using Cortex.Core.Wire;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Cortex.Cli.Tests.Commands;

/// <summary>What <c>deploy --wait</c> says of containers that do not stay up: their own last words, over a real web socket.</summary>
public sealed class DeployCrashTests : IAsyncLifetime
{
    private readonly CliFixture _cli = new() { RealTransport = true };
    private WebApplication? _server;
    private ReplicaCounts _counts = new() { Requested = 1, Failed = 1 };
    private string _logs = "";
    private string _asked = "";

    public async ValueTask InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _server = builder.Build();
        _server.UseWebSockets();
        _server.Run(async context =>
        {
            switch (context.Request.Path.Value)
            {
                case "/deploy":
                    IReadOnlyList<DeployResult> results = [new DeployResult(new ApiResponse { Spec = Apis.Spec("hello") }, "creating hello (RealtimeAPI)", "")];
                    await context.Response.WriteAsync(JsonSerializer.Serialize(results, WireJson.Contract.IReadOnlyListDeployResult));
                    break;
                case "/describe/hello":
                    IReadOnlyList<ApiResponse> apis = [Apis.Described("hello", _counts, "api: exit code 3")];
                    await context.Response.WriteAsync(JsonSerializer.Serialize(apis, WireJson.Contract.IReadOnlyListApiResponse));
                    break;
                case "/streamlogs/hello" when _logs.Length > 0:
                    _asked = context.Request.QueryString.Value!;
                    using (var socket = await context.WebSockets.AcceptWebSocketAsync())
                    {
                        await socket.SendAsync(Encoding.UTF8.GetBytes(_logs), WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);
                        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
                    }

                    break;
                default:
                    context.Response.StatusCode = StatusCodes.Status400BadRequest;
                    await context.Response.WriteAsync("{\"kind\":\"x\",\"message\":\"there is no such log\"}");
                    break;
            }
        });
        await _server.StartAsync(TestContext.Current.CancellationToken);
        new CliConfigStore(_cli.ConfigDirectory).Save(new CliConfig { Environments = [new CortexEnvironment { Name = "here", OperatorEndpoint = _server.Urls.Single() }] });
        _cli.Write("cortex.yaml", "x");
    }

    public async ValueTask DisposeAsync()
    {
        await _server!.DisposeAsync();
        _cli.Dispose();
    }

    [Fact]
    public async Task Wait_Crashes_ShowsTheLastLinesOfItsLog()
    {
        _logs = string.Concat(Enumerable.Range(1, 12).Select(line => $"pod-1/api line {line}\n"));

        var result = await _cli.RunAsync("deploy", "--wait");

        Assert.Equal(1, result.ExitCode);
        Assert.EndsWith(
            "error: hello can't become ready (0/1 ready, 1 failed)\n  api: exit code 3\n  `cortex describe hello` and `cortex logs hello` say more\n"
            + $"the last lines of its log:\n{string.Concat(Enumerable.Range(3, 10).Select(line => $"  pod-1/api line {line}\n"))}",
            result.Error, StringComparison.Ordinal);
        Assert.Equal("?allPods=true&tail=10&follow=false", _asked);
    }

    [Fact]
    public async Task Wait_LogCannotBeRead_SaysWhy()
    {
        Assert.EndsWith("say more\n  its log can't be read: there is no such log\n", (await _cli.RunAsync("deploy", "--wait")).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Wait_NothingHasRun_LooksForNoLog()
    {
        _counts = new ReplicaCounts { Requested = 1, ErrImagePull = 1 };

        Assert.EndsWith("say more\n", (await _cli.RunAsync("deploy", "--wait")).Error, StringComparison.Ordinal);
    }
}
