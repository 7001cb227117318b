using System.Security.Cryptography.X509Certificates;
using Cortex.Core.Errors;

namespace Cortex.Client.Tests.Calling;

/// <summary>Whom the client gives its token to, over real TLS.</summary>
public sealed class CertificateTests : IAsyncLifetime
{
    private readonly X509Certificate2 _own = TlsOperator.MakeCertificate("operator");
    private readonly TlsOperator _operator;

    public CertificateTests() => _operator = new TlsOperator(_own);

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await _operator.DisposeAsync();
        _own.Dispose();
    }

    [Fact]
    public async Task Unknown_IsRefusedBeforeTheTokenIsSent()
    {
        using var client = Connect(certificate: null);

        foreach (var error in new[]
        {
            await Assert.ThrowsAsync<CortexException>(() => client.GetAsync()),
            await Assert.ThrowsAsync<CortexException>(async () => await client.LogsAsync("hello").GetAsyncEnumerator().MoveNextAsync()),
        })
        {
            Assert.Equal(ClientErrorKinds.CertificateRefused, error.Kind);
            Assert.StartsWith($"the certificate of {_operator.Endpoint} is not trusted by this machine", error.Message, StringComparison.Ordinal);
        }

        Assert.Empty(_operator.Heads);
    }

    [Fact]
    public async Task Unknown_OfAnApi_IsRefusedToo()
    {
        using var client = Connect(certificate: null);
        using var content = new StringContent("secret words");

        Assert.Equal(ClientErrorKinds.CertificateRefused, (await Assert.ThrowsAsync<CortexException>(() => client.Requests("texts", _operator.Endpoint + "/texts").SubmitAsync(content))).Kind);
        Assert.Equal(ClientErrorKinds.CertificateRefused, (await Assert.ThrowsAsync<CortexException>(() => client.CallAsync("hello", HttpMethod.Post, content: content, endpoint: _operator.Endpoint + "/hello"))).Kind);
        Assert.Empty(_operator.Heads);
    }

    [Fact]
    public async Task Pinned_IsAccepted()
    {
        using var client = Connect(_own.ExportCertificatePem());

        Assert.Empty(await client.GetAsync());
        Assert.Contains("Authorization: Bearer secret\n", Assert.Single(_operator.Heads), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Insecure_AcceptsAny()
    {
        using var client = new CortexClient(Environment(null) with { Insecure = true });

        Assert.Empty(await client.GetAsync());
    }

    [Fact]
    public async Task PinnedIssuer_AcceptsWhatItIssuedForThisName()
    {
        using var authority = TlsOperator.MakeCertificate("authority", isAuthority: true);
        using var issued = TlsOperator.MakeCertificate("issued", authority);
        using var renewed = TlsOperator.MakeCertificate("renewed", authority);
        using var elsewhere = TlsOperator.MakeCertificate("issued", authority, name: "elsewhere.test");
        foreach (var (certificate, isAccepted) in new[] { (issued, true), (renewed, true), (elsewhere, false), (_own, false) })
        {
            _operator.Certificate = certificate;
            using var client = Connect(authority.ExportCertificatePem());
            Assert.Equal(isAccepted, await Record.ExceptionAsync(() => client.GetAsync()) is null);
        }

        Assert.Equal(2, _operator.Heads.Count);
    }

    [Fact]
    public void NoCertificateAtAll_IsToldBeforeAnyCall() => Assert.Equal("cli.invalid_certificate", Assert.Throws<CortexException>(() => Connect("words")).Kind);

    private CortexClient Connect(string? certificate) => new(Environment(certificate));

    private CortexEnvironment Environment(string? certificate) => new() { Name = "prod", OperatorEndpoint = _operator.Endpoint, Token = "secret", Certificate = certificate };
}
