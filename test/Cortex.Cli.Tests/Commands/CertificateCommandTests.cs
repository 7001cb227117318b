using System.Security.Cryptography.X509Certificates;
using Cortex.Cli.Tests.Support;
using Cortex.Client;
using Cortex.Client.Environments;

namespace Cortex.Cli.Tests.Commands;

/// <summary>What commands say of certificates, over real TLS.</summary>
public sealed class CertificateCommandTests : IAsyncLifetime
{
    private readonly CliFixture _cli = new() { Time = TimeProvider.System, RealTransport = true };
    private readonly X509Certificate2 _own = TlsOperator.MakeCertificate("operator");
    private readonly TlsOperator _operator;

    public CertificateCommandTests() => _operator = new TlsOperator(_own);

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await _operator.DisposeAsync();
        _own.Dispose();
        _cli.Dispose();
    }

    [Fact]
    public async Task Get_UnknownCertificate_IsRefusedBeforeTheTokenIsSent()
    {
        Configure(certificate: null);

        var result = await _cli.RunAsync("get", "--env", "prod");

        Assert.Equal((1, ""), (result.ExitCode, result.Out));
        Assert.StartsWith($"error: the certificate of {_operator.Endpoint} is not trusted by this machine", result.Error, StringComparison.Ordinal);
        Assert.Contains("\"CN=operator\", SHA-256 ", result.Error, StringComparison.Ordinal);
        Assert.Contains("`cortex env configure prod --certificate FILE`", result.Error, StringComparison.Ordinal);
        Assert.Empty(_operator.Heads);
    }

    [Fact]
    public async Task Get_ChangedCertificate_IsRefusedInWordsBeforeTheTokenIsSent()
    {
        Configure(_own.ExportCertificatePem());
        using var other = TlsOperator.MakeCertificate("somebody else");
        _operator.Certificate = other;

        var result = await _cli.RunAsync("get", "--env", "prod");

        Assert.Equal(1, result.ExitCode);
        Assert.StartsWith($"error: {_operator.Endpoint} shows another certificate than the one that the prod environment trusts: \"CN=somebody else\", SHA-256 ", result.Error, StringComparison.Ordinal);
        Assert.Contains(", instead of \"CN=operator\", SHA-256 ", result.Error, StringComparison.Ordinal);
        Assert.EndsWith("nothing was sent to it\n", result.Error, StringComparison.Ordinal);
        Assert.Empty(_operator.Heads);
    }

    [Fact]
    public async Task Insecure_Flag_AcceptsAnyForThisCommandOnly()
    {
        Configure(certificate: null);

        Assert.Equal(0, (await _cli.RunAsync("get", "--env", "prod", "--insecure")).ExitCode);
        Assert.Equal(1, (await _cli.RunAsync("get", "--env", "prod")).ExitCode);
        Assert.Single(_operator.Heads);
    }

    [Fact]
    public async Task Configure_Insecure_IsStoredWithTheEnvironment()
    {
        Assert.Equal(0, (await _cli.RunAsync("env", "configure", "prod", "-o", _operator.Endpoint, "--insecure")).ExitCode);

        Assert.True(Config.Find("prod")!.Insecure);
        Assert.Equal(0, (await _cli.RunAsync("get", "--env", "prod")).ExitCode);
        Assert.Contains("certificate: any (--insecure)\n", (await _cli.RunAsync("env", "list")).Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Configure_CertificateFile_PinsItAndTakesInsecureBack()
    {
        await _cli.RunAsync("env", "configure", "prod", "-o", _operator.Endpoint, "--insecure");
        _cli.Write("operator.pem", $"some words\n{_own.ExportCertificatePem()}\n");

        Assert.Equal(0, (await _cli.RunAsync("env", "configure", "prod", "-o", _operator.Endpoint, "--certificate", "operator.pem")).ExitCode);

        Assert.Equal((_own.ExportCertificatePem(), false), (Config.Find("prod")!.Certificate, Config.Find("prod")!.Insecure));
        Assert.Contains("certificate: \"CN=operator\", SHA-256 ", (await _cli.RunAsync("env", "list")).Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Configure_CertificateIsNone_SaysSo()
    {
        _cli.Write("key.pem", "not a certificate");

        var result = await _cli.RunAsync("env", "configure", "prod", "-o", _operator.Endpoint, "--certificate", "key.pem");

        Assert.Equal(1, result.ExitCode);
        Assert.StartsWith($"error: the certificate of {_cli.WorkingDirectory}/key.pem can't be read", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Configure_UnknownCertificateOnATerminal_IsShownAndPinnedWhenTrusted()
    {
        _cli.InputIsTerminal = true;
        _cli.Input = "y\n";

        var result = await _cli.RunAsync("env", "configure", "prod", "-o", _operator.Endpoint, "--token", "secret");

        Assert.Equal(0, result.ExitCode);
        Assert.Contains($"this machine does not trust the certificate of {_operator.Endpoint}:\n  \"CN=operator\", SHA-256 ", result.Error, StringComparison.Ordinal);
        Assert.Equal(_own.ExportCertificatePem(), Config.Find("prod")!.Certificate);
    }

    [Fact]
    public async Task Configure_UnknownCertificateThatIsNotTrusted_StoresAndSendsNothing()
    {
        _cli.InputIsTerminal = true;
        _cli.Input = "n\n";
        Assert.Equal(1, (await _cli.RunAsync("env", "configure", "prod", "-o", _operator.Endpoint, "--token", "secret")).ExitCode);

        _cli.InputIsTerminal = false;
        Assert.Equal(1, (await _cli.RunAsync("env", "configure", "prod", "-o", _operator.Endpoint, "--token", "secret")).ExitCode);

        Assert.Null(Config.Find("prod"));
        Assert.Empty(_operator.Heads);
    }

    [Fact]
    public async Task Configure_OtherAddress_ForgetsThePin()
    {
        Configure(_own.ExportCertificatePem());

        await _cli.RunAsync("env", "configure", "prod", "-o", "https://elsewhere.test", "--no-check");

        Assert.Equal((null, null), (Config.Find("prod")!.Certificate, Config.Find("prod")!.Token));
    }

    private CliConfig Config => new CliConfigStore(_cli.ConfigDirectory).Load();

    private void Configure(string? certificate) => new CliConfigStore(_cli.ConfigDirectory).Save(new CliConfig
    {
        Environments = [new CortexEnvironment { Name = "prod", OperatorEndpoint = _operator.Endpoint, Token = "secret", Certificate = certificate }],
    });
}
