using System.Net;
using Cortex.Cli.Tests.Support;
using Cortex.Client;
using Cortex.Client.Environments;
using Cortex.Core.Wire;

namespace Cortex.Cli.Tests.Environments;

/// <summary>The table of clients.md 1.1, through a command that asks one operator.</summary>
public sealed class EnvironmentResolutionTests : IDisposable
{
    private readonly CliFixture _cli = new();

    public EnvironmentResolutionTests()
    {
        _cli.Operator.On("POST /refresh/hello", new MessageResponse("updating hello (RealtimeAPI)"), WireJson.Contract.MessageResponse);
        _cli.Operator.On("GET /verifycortex", HttpStatusCode.OK, "{}");
    }

    public void Dispose() => _cli.Dispose();

    [Fact]
    public async Task Resolve_NameGiven_UsesItWithItsToken()
    {
        _cli.Configure("prod", "dev");

        var result = await _cli.RunAsync("refresh", "hello", "-e", "dev");

        Assert.Equal((0, "updating hello (RealtimeAPI)\n", ""), (result.ExitCode, result.Out, result.Error));
        var request = Assert.Single(_cli.Operator.Requests);
        Assert.Equal(("http://dev.test:8888/refresh/hello?force=false", "Bearer token-of-dev", ProductVersion.Current), (request.Uri.ToString(), request.Authorization, request.Version));
    }

    [Fact]
    public async Task Resolve_SeveralAndADefault_SaysWhichIsUsed()
    {
        _cli.Configure("prod", "dev");

        var result = await _cli.RunAsync("refresh", "hello");

        Assert.Equal("using prod environment\n\nupdating hello (RealtimeAPI)\n", result.Out);
    }

    [Fact]
    public async Task Resolve_SeveralAndJson_KeepsTheOutputClean()
    {
        _cli.Configure("prod", "dev");

        var result = await _cli.RunAsync("refresh", "hello", "-o", "json");

        Assert.Equal("{\"message\":\"updating hello (RealtimeAPI)\"}", result.Out);
    }

    [Fact]
    public async Task Resolve_OnlyOneWithoutDefault_UsesItAndMakesItTheDefault()
    {
        _cli.Configure("prod");
        var store = new CliConfigStore(_cli.ConfigDirectory);
        store.Save(store.Load() with { DefaultEnvironment = null });

        var result = await _cli.RunAsync("refresh", "hello");

        Assert.Equal("updating hello (RealtimeAPI)\n", result.Out);
        Assert.Equal("prod", store.Load().DefaultEnvironment);
    }

    [Fact]
    public async Task Resolve_NoneConfigured_SaysHowToGetOne()
    {
        var result = await _cli.RunAsync("refresh", "hello");

        Assert.Equal((1, ""), (result.ExitCode, result.Out));
        Assert.StartsWith("error: no environments are configured; start a cluster on this machine with `cortex cluster up`", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Resolve_SeveralWithoutDefault_AsksForAName()
    {
        _cli.Configure("prod", "dev");
        var store = new CliConfigStore(_cli.ConfigDirectory);
        store.Save(store.Load() with { DefaultEnvironment = null });

        var result = await _cli.RunAsync("refresh", "hello");

        Assert.Equal(1, result.ExitCode);
        Assert.StartsWith("error: no default environment is set", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Resolve_UnknownNameAndNobodyToAsk_Fails()
    {
        _cli.Configure("prod");

        var result = await _cli.RunAsync("refresh", "hello", "-e", "nope");

        Assert.Equal(1, result.ExitCode);
        Assert.StartsWith("error: there is no environment named nope", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Resolve_UnknownNameAndClusterRunning_ConfiguresIt()
    {
        _cli.InputIsTerminal = true;
        _cli.Input = "maybe\nY\nhttp://new.test:8888\n";

        var result = await _cli.RunAsync("refresh", "hello", "-e", "new");

        Assert.Equal((0, "updating hello (RealtimeAPI)\n"), (result.ExitCode, result.Out));
        Assert.Contains("is its cluster already running? (y/n): is its cluster already running? (y/n): operator endpoint: configured new environment", result.Error, StringComparison.Ordinal);
        Assert.Equal("http://new.test:8888", new CliConfigStore(_cli.ConfigDirectory).Load().Find("new")?.OperatorEndpoint);
    }

    [Fact]
    public async Task Resolve_UnknownNameAndClusterNotRunning_ExitsWithOne()
    {
        _cli.InputIsTerminal = true;
        _cli.Input = "n\n";

        var result = await _cli.RunAsync("refresh", "hello", "-e", "new");

        Assert.Equal(1, result.ExitCode);
        Assert.Empty(_cli.Operator.Requests);
    }
}
