using System.Net;
using System.Text.Json;
using Cortex.Cli.Tests.Support;
using Cortex.Core.Wire;

namespace Cortex.Cli.Tests.Commands;

public sealed class DeployCommandTests : IDisposable
{
    private readonly CliFixture _cli = new();

    public DeployCommandTests() => _cli.Configure("prod");

    public void Dispose() => _cli.Dispose();

    private static DeployResult Created(string name) => new(new ApiResponse { Spec = Apis.Spec(name), Endpoint = $"http://127.0.0.1:8889/{name}" }, $"creating {name} (RealtimeAPI)", "");

    private void Answer(params DeployResult[] results) => _cli.Operator.On<IReadOnlyList<DeployResult>>("POST /deploy", results, WireJson.Contract.IReadOnlyListDeployResult);

    [Fact]
    public async Task Deploy_DefaultFile_IsUploadedUnchanged()
    {
        _cli.Write("cortex.yaml", "- name: hello # ü\n");
        Answer(Created("hello"), Created("world"));

        var result = await _cli.RunAsync("deploy");

        Assert.Equal((0, "creating hello (RealtimeAPI)\ncreating world (RealtimeAPI)\n", ""), (result.ExitCode, result.Out, result.Error));
        var request = Assert.Single(_cli.Operator.Requests);
        Assert.Equal("POST /deploy?configFileName=cortex.yaml&force=false", request.Line);
        Assert.Contains("name=config; filename=cortex.yaml", request.Body, StringComparison.Ordinal);
        Assert.Contains("\r\n\r\n- name: hello # ü\n\r\n", request.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Deploy_FileAndForce_AreSent()
    {
        _cli.Write("a b.yaml", "x");
        Answer(Created("hello"));

        await _cli.RunAsync("deploy", "a b.yaml", "-f", "-y");

        Assert.Equal("POST /deploy?configFileName=a%20b.yaml&force=true", Assert.Single(_cli.Operator.Requests).Line);
    }

    [Fact]
    public async Task Deploy_SomeFail_GoesToErrorWithExitOne()
    {
        _cli.Write("cortex.yaml", "x");
        Answer(Created("hello"), new DeployResult(null, "", "error: world is updating"));

        var result = await _cli.RunAsync("deploy");

        Assert.Equal((1, "", "creating hello (RealtimeAPI)\n\nerror: world is updating\n"), (result.ExitCode, result.Out, result.Error));
    }

    [Fact]
    public async Task Deploy_Json_IsTheRawArrayAlsoWhenSomeFail()
    {
        _cli.Write("cortex.yaml", "x");
        Answer(Created("hello"), new DeployResult(null, "", "error: no"));

        var result = await _cli.RunAsync("deploy", "-o", "json");

        Assert.Equal((1, ""), (result.ExitCode, result.Error));
        using var json = JsonDocument.Parse(result.Out);
        Assert.Equal("RealtimeAPI", json.RootElement[0].GetProperty("api").GetProperty("spec").GetProperty("kind").GetString());
        Assert.Equal("error: no", json.RootElement[1].GetProperty("error").GetString());
        Assert.EndsWith("]", result.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Deploy_InvalidFile_PrintsEveryErrorOnItsLine()
    {
        _cli.Write("cortex.yaml", "x");
        _cli.Operator.OnError("POST /deploy", "spec.x", "first", HttpStatusCode.BadRequest,
            new ErrorPlace("spec.x", 1, 2, "a", "pod", "cortex.yaml:1:2: a: pod: wrong"), new ErrorPlace("spec.y", 3, 4, "b", "", "cortex.yaml:3:4: b: wrong too"));

        var result = await _cli.RunAsync("deploy");

        Assert.Equal((1, "error: cortex.yaml:1:2: a: pod: wrong\nerror: cortex.yaml:3:4: b: wrong too\n"), (result.ExitCode, result.Error));
    }

    [Fact]
    public async Task Deploy_NoFile_SaysWhichIsMissing()
    {
        Assert.StartsWith($"error: there is no cortex.yaml in {_cli.WorkingDirectory}", (await _cli.RunAsync("deploy")).Error, StringComparison.Ordinal);
        Assert.StartsWith($"error: there is no file {_cli.WorkingDirectory}/x.yaml", (await _cli.RunAsync("deploy", "x.yaml")).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Deploy_FromHome_IsRefused()
    {
        await File.WriteAllTextAsync(Path.Combine(_cli.Root, "home", "a.yaml"), "x", TestContext.Current.CancellationToken);

        var result = await _cli.RunAsync("deploy", "~/a.yaml");

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("home or root directory", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Wait_BecomesReady_ShowsEachChange()
    {
        _cli.Write("cortex.yaml", "x");
        Answer(Created("hello"));
        var states = new Queue<ReplicaCounts>([
            new() { Requested = 2, Pending = 1, Creating = 1 }, new() { Requested = 2, Creating = 1, Ready = 1 }, new() { Requested = 2, Creating = 1, Ready = 1 },
            new() { Requested = 2, Ready = 2, ReadyOutOfDate = 1 }, new() { Requested = 2, Ready = 2 }]);
        Describe("hello", () => Apis.Described("hello", states.Dequeue()));

        var result = await _cli.RunAsync("deploy", "--wait");

        Assert.Equal((0, "creating hello (RealtimeAPI)\n\nhello: http://127.0.0.1:8889/hello\n"), (result.ExitCode, result.Out));
        Assert.Equal("hello: 0/2 ready, 1 pending, 1 creating\nhello: 1/2 ready, 1 creating\nhello: 2/2 ready, 1 out of date\nhello: 2/2 ready\n", result.Error);
    }

    [Fact]
    public async Task Wait_ImageCannotBeHad_FailsAfterTenSecondsWithTheReason()
    {
        _cli.Write("cortex.yaml", "x");
        Answer(Created("hello"));
        Describe("hello", () => Apis.Described("hello", new() { Requested = 1, ErrImagePull = 1 }, "api: manifest unknown"));

        var result = await _cli.RunAsync("deploy", "--wait", "-o", "json");

        Assert.Equal(1, result.ExitCode);
        Assert.StartsWith("[{", result.Out, StringComparison.Ordinal);
        Assert.Equal("hello: 0/1 ready, 1 image pull failed\nerror: hello can't become ready (0/1 ready, 1 image pull failed)\n  api: manifest unknown\n  `cortex describe hello` and `cortex logs hello` say more\n", result.Error);
        Assert.InRange(((JumpingTime)_cli.Time).Elapsed.TotalSeconds, 10, 13);
    }

    [Fact]
    public async Task Wait_ServerListensOnLoopbackOnly_FailsAfterTenSecondsAndSaysWhatToChange()
    {
        _cli.Write("cortex.yaml", "x");
        Answer(Created("hello"));
        var reason = $"1 replica not ready: port 8080: {ReplicaReasons.LoopbackOnly}; let it listen on 0.0.0.0";
        Describe("hello", () => Apis.Described("hello", new() { Requested = 1, NotReady = 1 }, reason));

        var result = await _cli.RunAsync("deploy", "--wait");

        Assert.Equal(1, result.ExitCode);
        Assert.Contains($"error: hello can't become ready (0/1 ready, 1 not ready)\n  {reason}\n", result.Error, StringComparison.Ordinal);
        Assert.InRange(((JumpingTime)_cli.Time).Elapsed.TotalSeconds, 10, 13);
    }

    [Fact]
    public async Task Wait_CrashesBetweenRestarts_FailsToo()
    {
        _cli.Write("cortex.yaml", "x");
        Answer(Created("hello"));
        var looks = 0;
        Describe("hello", () => Apis.Described("hello", ++looks % 3 == 0 ? new() { Requested = 1, NotReady = 1 } : new() { Requested = 1, Failed = 1 }, "api: exit code 3"));

        var result = await _cli.RunAsync("deploy", "--wait");

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("error: hello can't become ready (0/1 ready, 1 failed)\n  api: exit code 3\n", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Wait_FailureThatPasses_GoesOn()
    {
        _cli.Write("cortex.yaml", "x");
        Answer(Created("hello"));
        var looks = 0;
        Describe("hello", () => Apis.Described("hello", ++looks < 8 ? new() { Requested = 1, Failed = 1 } : looks < 40 ? new() { Requested = 1, NotReady = 1 } : new() { Requested = 1, Ready = 1 }));

        Assert.Equal(0, (await _cli.RunAsync("deploy", "--wait")).ExitCode);
    }

    [Fact]
    public async Task Wait_TimeIsUp_FailsWithTheReasons()
    {
        _cli.Write("cortex.yaml", "x");
        Answer(Created("hello"), Created("world"));
        Describe("hello", () => Apis.Described("hello", new() { Requested = 1, Pending = 1 }, "needs 4 CPUs, 2 are free"));
        Describe("world", () => Apis.Described("world", new() { Requested = 1, Ready = 1 }));

        var result = await _cli.RunAsync("deploy", "--wait", "--timeout", "1m30s");

        Assert.Equal(1, result.ExitCode);
        Assert.EndsWith("error: hello is not ready after 1m30s\n  needs 4 CPUs, 2 are free\n  `cortex describe hello` and `cortex logs hello` say more\n", result.Error, StringComparison.Ordinal);
        Assert.InRange(((JumpingTime)_cli.Time).Elapsed.TotalSeconds, 90, 91);
    }

    [Fact]
    public async Task Wait_ZeroReplicasWanted_IsReady()
    {
        _cli.Write("cortex.yaml", "x");
        Answer(Created("hello"));
        Describe("hello", () => Apis.Described("hello", new()));

        Assert.Equal(0, (await _cli.RunAsync("deploy", "--wait")).ExitCode);
    }

    private void Describe(string name, Func<ApiResponse> answer) => _cli.Operator.On($"GET /describe/{name}", () =>
        JsonSerializer.Serialize<IReadOnlyList<ApiResponse>>([answer()], WireJson.Contract.IReadOnlyListApiResponse));
}
