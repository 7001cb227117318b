using System.Net;
using Cortex.Cli.Tests.Support;

namespace Cortex.Cli.Tests.Commands;

public sealed class OperatorErrorsTests : IDisposable
{
    private readonly CliFixture _cli = new();

    public OperatorErrorsTests() => _cli.Configure("prod");

    public void Dispose() => _cli.Dispose();

    [Fact]
    public async Task Run_OperatorUnreachable_SaysWhereAndWhy()
    {
        _cli.RefuseConnections();

        var result = await _cli.RunAsync("refresh", "hello");

        Assert.Equal(1, result.ExitCode);
        Assert.StartsWith("error: failed to connect to the operator of the prod environment at http://prod.test:8888: Connection refused\n\ncheck that its cluster is running", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_LocalOperatorUnreachable_SaysHowToStartIt()
    {
        await File.WriteAllTextAsync(_cli.ConfigFile, "environments:\n- name: here\n  operator_endpoint: 127.0.0.1:8888\n", TestContext.Current.CancellationToken);
        _cli.RefuseConnections();

        Assert.Contains("start it with `cortex cluster up`", (await _cli.RunAsync("refresh", "hello")).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_OperatorSaysNo_PrintsItsMessage()
    {
        _cli.Operator.OnError("POST /refresh/hello", "resources.api_not_deployed", "hello is not deployed\n");

        var result = await _cli.RunAsync("refresh", "hello");

        Assert.Equal((1, "", "error: hello is not deployed\n"), (result.ExitCode, result.Out, result.Error));
    }

    [Fact]
    public async Task Run_TokenRefused_NamesTheEnvironment()
    {
        _cli.Operator.OnError("POST /refresh/hello", "endpoints.auth_invalid_token", "the token is not this cluster's", HttpStatusCode.Forbidden);

        Assert.Equal("error: the prod environment has no valid token: the token is not this cluster's\n", (await _cli.RunAsync("refresh", "hello")).Error);
    }

    [Fact]
    public async Task Run_TokenOpensTooLittle_PrintsTheOperatorsMessage()
    {
        _cli.Operator.OnError("POST /refresh/hello", "endpoints.client_access", "that takes `client_access: admin`", HttpStatusCode.Forbidden);

        Assert.Equal("error: that takes `client_access: admin`\n", (await _cli.RunAsync("refresh", "hello")).Error);
    }

    [Fact]
    public async Task Run_VersionMismatch_PrintsTheOperatorsMessage()
    {
        _cli.Operator.OnError("POST /refresh/hello", "endpoints.api_version_mismatch", "your CLI is 1.0.0 and the cluster is 2.0.0");

        Assert.Equal("error: your CLI is 1.0.0 and the cluster is 2.0.0\n", (await _cli.RunAsync("refresh", "hello")).Error);
    }

    [Fact]
    public async Task Run_SomethingElseAnswers_SaysTheStatus()
    {
        _cli.Operator.On("POST /refresh/hello", HttpStatusCode.BadGateway, "<html>");

        Assert.Equal("error: unexpected response from http://prod.test:8888 (status code 502); is that address a Cortex operator's?\n", (await _cli.RunAsync("refresh", "hello")).Error);
    }

    [Fact]
    public async Task Run_AnswerIsNotWhatWasAskedFor_SaysSo()
    {
        _cli.Operator.On("POST /refresh/hello", HttpStatusCode.OK, "[]");

        Assert.StartsWith("error: the operator of the prod environment answered with something else than expected", (await _cli.RunAsync("refresh", "hello")).Error, StringComparison.Ordinal);
    }
}
