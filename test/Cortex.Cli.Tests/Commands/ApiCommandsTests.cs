using Cortex.Cli.Tests.Support;
using Cortex.Client;
using Cortex.Core.Specs;
using Cortex.Core.Wire;

namespace Cortex.Cli.Tests.Commands;

public sealed class ApiCommandsTests : IDisposable
{
    private readonly CliFixture _cli = new();

    public ApiCommandsTests()
    {
        _cli.Configure("prod");
        _cli.Operator.On("DELETE /delete/hello", new MessageResponse("deleting hello"), WireJson.Contract.MessageResponse);
    }

    public void Dispose() => _cli.Dispose();

    [Fact]
    public async Task Describe_AllWell_HasOnlyTheUsualStates()
    {
        Describe(new ReplicaCounts { Requested = 1, Ready = 1 });

        var result = await _cli.RunAsync("describe", "hello");

        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.Equal("""
            env    realtime api   live   up-to-date   last update
            prod   hello          1/1    1            1m2s

            metrics dashboard: http://127.0.0.1:8888/dashboard

            endpoint: http://127.0.0.1:8889/hello

            replica status                     replica count
            Creating                           0
            NotReady                           0
            Pending                            0
            Ready                              1
            ReadyOutOfDate                     0
            Requested                          1
            Terminating                        0

            """, result.Out);
    }

    [Fact]
    public async Task Describe_NodeGroups_ShowsWhereReplicasAre()
    {
        Describe(new ReplicaCounts { Requested = 3, Ready = 3, NodeGroups = new Dictionary<string, int> { ["cpu"] = 2, ["gpu"] = 1 } });

        var result = await _cli.RunAsync("describe", "hello");

        Assert.EndsWith("\n\nnode group                         replica count\ncpu                                2\ngpu                                1\n", result.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Describe_Trouble_SaysWhy()
    {
        Describe(new ReplicaCounts { Requested = 2, ErrImagePull = 1, KilledOOM = 1 }, "api: manifest unknown", "api: over its limit of 64Mi");

        var result = await _cli.RunAsync("describe", "hello");

        Assert.Contains("\nErrImagePull                       1\nKilledOOM                          1\n", result.Out, StringComparison.Ordinal);
        Assert.EndsWith("\n\nwhy:\n  api: manifest unknown\n  api: over its limit of 64Mi\n", result.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Describe_Decisions_ShowsTheLastAndWhy()
    {
        var now = _cli.Time.GetUtcNow();
        ScalingStatus Decision(int secondsAgo, int current, int requested, string reason) => new()
        {
            Since = now.AddSeconds(-secondsAgo).ToString("O"), Time = now.ToString("O"), Current = current, InFlight = 4.256, Raw = 2.128, Recommended = 3, Requested = requested, Reason = reason,
        };
        var api = Apis.Described("hello", new ReplicaCounts { Requested = 1, Ready = 1 }) with
        {
            Scaling = [Decision(12, 2, 2, "upscale_stabilization_period: less was recommended within the last 1m0s"), Decision(92, 1, 2, "as the load asks"), .. Enumerable.Repeat(Decision(5, 1, 1, "x"), 9)],
        };
        _cli.Operator.On<IReadOnlyList<ApiResponse>>("GET /describe/hello", [api], WireJson.Contract.IReadOnlyListApiResponse);

        var result = await _cli.RunAsync("describe", "hello");

        Assert.EndsWith("""

            scaling since   in flight   asks for   recommended   replicas   why
            12s             4.26        2.13       3             2          upscale_stabilization_period: less was recommended within the last 1m0s
            1m32s           4.26        2.13       3             1 -> 2     as the load asks
            5s              4.26        2.13       3             1          x
            5s              4.26        2.13       3             1          x
            5s              4.26        2.13       3             1          x

            """, result.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Describe_Async_ShowsQueueAndCallbackKey()
    {
        var counts = new ReplicaCounts { Requested = 1, Ready = 1 };
        var api = Apis.Described("hello", counts) with
        {
            Metadata = Apis.Listed("hello", ApiKind.AsyncAPI).Metadata,
            Queue = new QueueStatus { Waiting = 12, Delayed = 3, InProgress = 2, OldestWaitingSeconds = 90.5 },
            CallbackKey = "whsec_AAAA",
        };
        _cli.Operator.On<IReadOnlyList<ApiResponse>>("GET /describe/hello", [api], WireJson.Contract.IReadOnlyListApiResponse);

        var result = await _cli.RunAsync("describe", "hello");

        Assert.StartsWith("""
            env    async api   live   up-to-date   queued   in progress   last update
            prod   hello       1/1    1            15       2             1m2s

            """, result.Out, StringComparison.Ordinal);
        Assert.EndsWith("""

            request status                     request count
            Delayed                            3
            InProgress                         2
            Waiting                            12

            oldest waiting: 1m30s

            callback key: whsec_AAAA

            """, result.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Refresh_Force_IsSent()
    {
        _cli.Operator.On("POST /refresh/hello", new MessageResponse("updating hello (RealtimeAPI)"), WireJson.Contract.MessageResponse);

        await _cli.RunAsync("refresh", "hello", "-f");

        Assert.Equal("POST /refresh/hello?force=true", Assert.Single(_cli.Operator.Requests).Line);
    }

    [Fact]
    public async Task Delete_NoTerminal_AsksNothing()
    {
        var result = await _cli.RunAsync("delete", "hello", "-c");

        Assert.Equal((0, "deleting hello\n", ""), (result.ExitCode, result.Out, result.Error));
        Assert.Equal("DELETE /delete/hello?apiName=hello&keepCache=true", Assert.Single(_cli.Operator.Requests).Line);
    }

    [Fact]
    public async Task Delete_Json_HasNoNewline() =>
        Assert.Equal("{\"message\":\"deleting hello\"}", (await _cli.RunAsync("delete", "hello", "--force", "-o", "json")).Out);

    [Theory]
    [InlineData("n\n", 1, 0)]
    [InlineData("", 1, 0)]
    [InlineData("y\n", 0, 1)]
    public async Task Delete_OnATerminal_Asks(string answer, int exitCode, int requests)
    {
        _cli.InputIsTerminal = true;
        _cli.Input = answer;

        var result = await _cli.RunAsync("delete", "hello");

        Assert.Equal((exitCode, "delete hello from the prod environment? (y/n): "), (result.ExitCode, result.Error));
        Assert.Equal(requests, _cli.Operator.Requests.Count);
    }

    [Fact]
    public async Task Delete_OnATerminalWithForce_AsksNothing()
    {
        _cli.InputIsTerminal = true;

        Assert.Equal((0, ""), ((await _cli.RunAsync("delete", "hello", "-f")) is var result ? result.ExitCode : -1, result.Error));
    }

    [Fact]
    public async Task Delete_InterruptedAtThePrompt_ExitsWithOne()
    {
        _cli.InputIsTerminal = true;
        using var interrupt = new CancellationTokenSource();
        await interrupt.CancelAsync();

        var result = await _cli.RunAsync(interrupt.Token, "delete", "hello");

        Assert.Equal((1, 0), (result.ExitCode, _cli.Operator.Requests.Count));
    }

    [Theory]
    [InlineData(ApiKind.BatchAPI, "batch")]
    [InlineData(ApiKind.TaskAPI, "tasks")]
    public async Task Delete_Job_StopsIt(ApiKind kind, string route)
    {
        _cli.Operator.On<IReadOnlyList<ApiResponse>>("GET /get/work", [Apis.Detailed("work", kind)], WireJson.Contract.IReadOnlyListApiResponse);
        _cli.Operator.On($"DELETE /{route}/work", new MessageResponse("stopped job j1"), WireJson.Contract.MessageResponse);

        var result = await _cli.RunAsync("delete", "work", "j1");

        Assert.Equal("stopped job j1\n", result.Out);
        Assert.Equal($"DELETE /{route}/work?apiName=work&jobID=j1", _cli.Operator.Requests[^1].Line);
    }

    [Fact]
    public async Task Version_Reachable_PrintsBoth()
    {
        _cli.Operator.On("GET /info", Apis.Info(), WireJson.Contract.InfoResponse);

        Assert.Equal($"cli version: {ProductVersion.Current}\ncluster version: 1.0.0\n", (await _cli.RunAsync("version")).Out);
    }

    [Fact]
    public async Task Version_Unreachable_FailsAfterTheFirstLine()
    {
        _cli.RefuseConnections();

        var result = await _cli.RunAsync("version");

        Assert.Equal((1, $"cli version: {ProductVersion.Current}\n"), (result.ExitCode, result.Out));
    }

    [Fact]
    public async Task Version_NoEnvironment_PrintsOnlyItsOwn()
    {
        File.Delete(_cli.ConfigFile);

        var result = await _cli.RunAsync("version");

        Assert.Equal((0, $"cli version: {ProductVersion.Current}\n", ""), (result.ExitCode, result.Out, result.Error));
    }

    private void Describe(ReplicaCounts counts, params string[] reasons) =>
        _cli.Operator.On<IReadOnlyList<ApiResponse>>("GET /describe/hello", [Apis.Described("hello", counts, reasons)], WireJson.Contract.IReadOnlyListApiResponse);
}
