using System.Net;
using Cortex.Cli.Tests.Support;
using Cortex.Client.Environments;

namespace Cortex.Cli.Tests.Commands;

public sealed class EnvCommandsTests : IDisposable
{
    private readonly CliFixture _cli = new();

    public void Dispose() => _cli.Dispose();

    private CliConfig Config => new CliConfigStore(_cli.ConfigDirectory).Load();

    [Fact]
    public async Task List_None_SaysSo() => Assert.Equal("no environments are configured\n", (await _cli.RunAsync("env", "list")).Out);

    [Fact]
    public async Task List_Pretty_MarksTheDefault()
    {
        _cli.Configure("prod", "dev");

        var result = await _cli.RunAsync("env", "list");

        Assert.Equal("prod (default)\ncortex operator endpoint: http://prod.test:8888\n\ndev\ncortex operator endpoint: http://dev.test:8888\n", result.Out);
    }

    [Fact]
    public async Task List_Json_HasNoTokenAndNoNewline()
    {
        _cli.Configure("prod");

        var result = await _cli.RunAsync("env", "list", "-o", "json");

        Assert.Equal("{\"default_environment\":\"prod\",\"environments\":[{\"name\":\"prod\",\"operator_endpoint\":\"http://prod.test:8888\"}]}", result.Out);
    }

    [Fact]
    public async Task List_Yaml_HasTheSame()
    {
        var result = await _cli.RunAsync("env", "list", "-o", "yaml");

        Assert.Equal("default_environment: null\nenvironments: []\n", result.Out);
    }

    [Fact]
    public async Task Configure_OperatorAnswers_StoresItAndKeepsTheDefault()
    {
        _cli.Configure("prod");
        _cli.Operator.On("GET /verifycortex", HttpStatusCode.OK, "{}");

        var result = await _cli.RunAsync("env", "configure", "dev", "-o", "localhost:9", "--token", "t");

        Assert.Equal((0, "configured dev environment\n"), (result.ExitCode, result.Out));
        Assert.Equal(("http://localhost:9", "t"), (Config.Find("dev")!.OperatorEndpoint, Config.Find("dev")!.Token));
        Assert.Equal("prod", Config.DefaultEnvironment);
    }

    [Fact]
    public async Task Configure_NothingGiven_AsksAndOffersTheVariable()
    {
        _cli.SetVariable("CORTEX_OPERATOR_ENDPOINT", "http://offered.test");
        _cli.Operator.On("GET /verifycortex", HttpStatusCode.OK, "{}");
        _cli.Input = "dev\n\n";

        var result = await _cli.RunAsync("env", "configure");

        Assert.Equal("name of the environment: operator endpoint [http://offered.test]: ", result.Error);
        Assert.Equal("http://offered.test", Config.Find("dev")!.OperatorEndpoint);
    }

    [Fact]
    public async Task Configure_SameAddress_KeepsTheToken()
    {
        _cli.Configure("prod");
        _cli.Operator.On("GET /verifycortex", HttpStatusCode.OK, "{}");

        await _cli.RunAsync("env", "configure", "prod", "-o", "http://prod.test:8888");
        Assert.Equal("token-of-prod", Config.Find("prod")!.Token);

        await _cli.RunAsync("env", "configure", "prod", "-o", "http://elsewhere.test");
        Assert.Null(Config.Find("prod")!.Token);
    }

    [Fact]
    public async Task Configure_NoCortexThere_StoresNothing()
    {
        _cli.Operator.On("GET /verifycortex", HttpStatusCode.OK, "<html>");

        var result = await _cli.RunAsync("env", "configure", "dev", "-o", "http://dev.test");

        Assert.Equal(1, result.ExitCode);
        Assert.StartsWith("error: what answers at http://dev.test is not a Cortex operator", result.Error, StringComparison.Ordinal);
        Assert.Null(Config.Find("dev"));
    }

    [Fact]
    public async Task Configure_TokenIsRefused_StoresNothingUnlessAskedTo()
    {
        _cli.Operator.On("GET /verifycortex", HttpStatusCode.OK, "{}");
        _cli.Operator.OnError("GET /info", "endpoints.auth_invalid_token", "the token is not this cluster's", HttpStatusCode.Forbidden);

        var result = await _cli.RunAsync("env", "configure", "dev", "-o", "http://dev.test", "--token", "wrong");

        Assert.Equal(1, result.ExitCode);
        Assert.StartsWith("error: the operator at http://dev.test refuses this token", result.Error, StringComparison.Ordinal);
        Assert.Null(Config.Find("dev"));
        Assert.Null(_cli.Operator.Requests[0].Authorization);

        Assert.Equal(0, (await _cli.RunAsync("env", "configure", "dev", "-o", "http://dev.test", "--token", "wrong", "--no-check")).ExitCode);
        Assert.Equal("wrong", Config.Find("dev")!.Token);
    }

    [Fact]
    public async Task Configure_TokenIsMissing_SaysSoAndStoresIt()
    {
        _cli.Operator.On("GET /verifycortex", HttpStatusCode.OK, "{}");
        _cli.Operator.OnError("GET /info", "endpoints.header_missing", "the header is missing", HttpStatusCode.Unauthorized);

        var result = await _cli.RunAsync("env", "configure", "dev", "-o", "http://dev.test");

        Assert.Equal((0, "configured dev environment\n", "note: this operator asks for a token; give it with --token, or in $CORTEX_TOKEN\n"), (result.ExitCode, result.Out, result.Error));
    }

    [Fact]
    public async Task Configure_NobodyAnswers_StoresNothingUnlessAskedTo()
    {
        _cli.RefuseConnections();

        var result = await _cli.RunAsync("env", "configure", "dev", "-o", "http://127.0.0.1:9", "--token", "t");

        Assert.Equal(1, result.ExitCode);
        Assert.StartsWith("error: failed to connect to the operator of the dev environment at http://127.0.0.1:9", result.Error, StringComparison.Ordinal);
        Assert.Null(Config.Find("dev"));
        Assert.Equal(new CliResult(0, "configured dev environment\n", ""), await _cli.RunAsync("env", "configure", "dev", "-o", "http://127.0.0.1:9", "--token", "t", "--no-check"));
    }

    [Fact]
    public async Task Configure_TokenOverANetworkInClearText_SaysSo()
    {
        _cli.SetVariable("CORTEX_TOKEN", "t");
        _cli.Operator.On("GET /verifycortex", HttpStatusCode.OK, "{}");

        var result = await _cli.RunAsync("env", "configure", "dev", "-o", "http://dev.test");

        Assert.Equal("note: http://dev.test has no TLS, so the token travels in clear text\n", result.Error);
        Assert.Equal("t", Config.Find("dev")!.Token);
    }

    [Fact]
    public async Task Default_KnownName_SetsIt()
    {
        _cli.Configure("prod", "dev");

        Assert.Equal("set dev as the default environment\n", (await _cli.RunAsync("env", "default", "dev")).Out);
        Assert.Equal("dev", Config.DefaultEnvironment);
        Assert.Equal("dev is already the default environment\n", (await _cli.RunAsync("env", "default", "dev")).Out);
        Assert.Equal(1, (await _cli.RunAsync("env", "default", "nope")).ExitCode);
    }

    [Fact]
    public async Task Default_NoName_ShowsAndAsks()
    {
        _cli.Configure("prod", "dev");
        _cli.Input = "dev\n";

        var result = await _cli.RunAsync("env", "default");

        Assert.Equal("current default environment: prod\nset dev as the default environment\n", result.Out);
    }

    [Fact]
    public async Task Rename_Default_Follows()
    {
        _cli.Configure("prod", "dev");

        Assert.Equal(0, (await _cli.RunAsync("env", "rename", "prod", "live")).ExitCode);
        Assert.Equal(("live", "token-of-prod"), (Config.DefaultEnvironment, Config.Find("live")!.Token));
        Assert.StartsWith("error: there already is an environment named dev", (await _cli.RunAsync("env", "rename", "live", "dev")).Error, StringComparison.Ordinal);
        Assert.StartsWith("error: there is no environment named prod", (await _cli.RunAsync("env", "rename", "prod", "x")).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Delete_DefaultWithOneLeft_MakesThatTheDefault()
    {
        _cli.Configure("prod", "dev");

        Assert.Equal("deleted the prod environment; dev is the default environment now\n", (await _cli.RunAsync("env", "delete", "prod")).Out);
        Assert.Equal("dev", Config.DefaultEnvironment);
        Assert.Equal("deleted the dev environment; no environments are left\n", (await _cli.RunAsync("env", "delete", "dev")).Out);
    }

    [Fact]
    public async Task Delete_OtherThanTheDefault_ChangesNothingElse()
    {
        _cli.Configure("prod", "dev", "test");

        Assert.Equal("deleted the dev environment\n", (await _cli.RunAsync("env", "delete", "dev")).Out);
        Assert.Equal("prod", Config.DefaultEnvironment);
        Assert.Equal(1, (await _cli.RunAsync("env", "delete", "dev")).ExitCode);
    }
}
