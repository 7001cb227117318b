using Cortex.Cli.Tests.Support;
using Cortex.Client;
using Cortex.Client.Environments;
using Cortex.Core.Wire;

namespace Cortex.Cli.Tests.Environments;

/// <summary>An operator that only variables name, as in scripts and containers.</summary>
public sealed class EnvironmentVariablesTests : IDisposable
{
    private readonly CliFixture _cli = new();

    public EnvironmentVariablesTests()
    {
        _cli.Operator.On("POST /refresh/hello", new MessageResponse("updating hello (RealtimeAPI)"), WireJson.Contract.MessageResponse);
        _cli.Operator.On<IReadOnlyList<ApiResponse>>("GET /get", [], WireJson.Contract.IReadOnlyListApiResponse);
    }

    public void Dispose() => _cli.Dispose();

    private string Asked => Assert.Single(_cli.Operator.Requests) is var request ? $"{request.Uri.GetLeftPart(UriPartial.Authority)} {request.Authorization}" : "";

    [Fact]
    public async Task Variables_NothingConfigured_AreEnoughAndStoreNothing()
    {
        _cli.SetVariable("CORTEX_OPERATOR_ENDPOINT", "here.test:8888/");
        _cli.SetVariable("CORTEX_TOKEN", "t0ken\n");

        var result = await _cli.RunAsync("refresh", "hello");

        Assert.Equal(new CliResult(0, "updating hello (RealtimeAPI)\n", ""), result);
        Assert.Equal("https://here.test:8888 Bearer t0ken", Asked);
        Assert.False(File.Exists(_cli.ConfigFile));
    }

    [Fact]
    public async Task Variables_EnvironmentsConfigured_TakeTheDefaultsPlace()
    {
        _cli.Configure("prod");
        _cli.SetVariable("CORTEX_OPERATOR_ENDPOINT", "http://here.test:8888");

        var result = await _cli.RunAsync("refresh", "hello");

        Assert.Equal("using CORTEX_OPERATOR_ENDPOINT environment\n\nupdating hello (RealtimeAPI)\n", result.Out);
        Assert.Equal("http://here.test:8888 ", Asked);
    }

    [Fact]
    public async Task Variables_EnvGiven_ComesFirst()
    {
        _cli.Configure("prod");
        _cli.SetVariable("CORTEX_OPERATOR_ENDPOINT", "http://here.test:8888");
        _cli.SetVariable("CORTEX_TOKEN", "another");

        await _cli.RunAsync("refresh", "hello", "-e", "prod");

        Assert.Equal("http://prod.test:8888 Bearer token-of-prod", Asked);
    }

    [Fact]
    public async Task Variables_AddressOfAnEnvironment_HasItsToken()
    {
        _cli.Configure("prod", "dev");
        _cli.SetVariable("CORTEX_OPERATOR_ENDPOINT", "http://dev.test:8888");

        await _cli.RunAsync("refresh", "hello");

        Assert.Equal("http://dev.test:8888 Bearer token-of-dev", Asked);
    }

    [Fact]
    public async Task Token_EnvironmentWithoutOne_IsLentToIt()
    {
        // As in a container, whose configuration leads to the operator without a token.
        new CliConfigStore(_cli.ConfigDirectory).Save(new CliConfig { DefaultEnvironment = "cortex", Environments = [new CortexEnvironment { Name = "cortex", OperatorEndpoint = "http://operator.test" }] });
        _cli.SetVariable("CORTEX_TOKEN", "t0ken");

        await _cli.RunAsync("refresh", "hello");

        Assert.Equal("http://operator.test Bearer t0ken", Asked);
    }

    [Fact]
    public async Task Get_Variables_ListsThatOperatorOnly()
    {
        _cli.Configure("prod", "dev");
        _cli.SetVariable("CORTEX_OPERATOR_ENDPOINT", "http://here.test:8888");

        var result = await _cli.RunAsync("get", "-o", "json");

        Assert.Equal("""[{"env_name":"CORTEX_OPERATOR_ENDPOINT","apis":[],"error":""}]""", result.Out.TrimEnd());
        Assert.Equal("http://here.test:8888 ", Asked);
    }

    [Fact]
    public async Task Variables_AddressIsNone_SaysSo()
    {
        _cli.SetVariable("CORTEX_OPERATOR_ENDPOINT", "ftp://x");

        Assert.StartsWith("error: \"ftp://x\" is not an operator's address", (await _cli.RunAsync("refresh", "hello")).Error, StringComparison.Ordinal);
    }
}
