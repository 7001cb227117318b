using Cortex.Cli.Tests.Support;
using Cortex.Core.Wire;

namespace Cortex.Cli.Tests.Commands;

public sealed class RollbackCommandTests : IDisposable
{
    private readonly CliFixture _cli = new();

    public RollbackCommandTests()
    {
        _cli.Configure("prod");
        _cli.Operator.On<IReadOnlyList<DeployResult>>(
            "POST /rollback/hello",
            [new(new ApiResponse { Spec = Apis.Spec("hello"), Endpoint = "http://127.0.0.1:8889/hello" }, "rolling back hello (RealtimeAPI) to older", "")],
            WireJson.Contract.IReadOnlyListDeployResult);
    }

    public void Dispose() => _cli.Dispose();

    [Fact]
    public async Task Rollback_NameAlone_AsksForTheVersionBefore()
    {
        var result = await _cli.RunAsync("rollback", "hello");

        Assert.Equal((0, "rolling back hello (RealtimeAPI) to older\n", ""), (result.ExitCode, result.Out, result.Error));
        Assert.Equal("POST /rollback/hello?apiID=&force=false", Assert.Single(_cli.Operator.Requests).Line);
    }

    [Fact]
    public async Task Rollback_IdAndForce_AreSent()
    {
        await _cli.RunAsync("rollback", "hello", "older", "--force");

        Assert.Equal("POST /rollback/hello?apiID=older&force=true", Assert.Single(_cli.Operator.Requests).Line);
    }

    [Fact]
    public async Task Rollback_Json_IsDeploysAnswer()
    {
        var result = await _cli.RunAsync("rollback", "hello", "-o", "json");

        Assert.StartsWith("[{\"api\":{\"spec\":{\"name\":\"hello\"", result.Out, StringComparison.Ordinal);
        Assert.Equal("", result.Error);
    }

    [Fact]
    public async Task Rollback_Wait_FollowsTheReplicas()
    {
        _cli.Operator.On<IReadOnlyList<ApiResponse>>("GET /describe/hello", [Apis.Described("hello", new ReplicaCounts { Requested = 2, Ready = 2 })], WireJson.Contract.IReadOnlyListApiResponse);

        var result = await _cli.RunAsync("rollback", "hello", "--wait");

        Assert.Equal((0, "hello: 2/2 ready\n"), (result.ExitCode, result.Error));
    }

    [Fact]
    public async Task Rollback_Refused_SaysWhy()
    {
        _cli.Operator.OnError("POST /rollback/hello", "resources.no_earlier_version", "hello has no earlier version");

        var result = await _cli.RunAsync("rollback", "hello");

        Assert.Equal((1, "", "error: hello has no earlier version\n"), (result.ExitCode, result.Out, result.Error));
    }
}
