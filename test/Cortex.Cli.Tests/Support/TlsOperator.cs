using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Cortex.Core.Wire;

namespace Cortex.Cli.Tests.Support;

/// <summary>What a proxy with TLS in front of an operator looks like. Keeps every byte that clients send behind their handshake.</summary>
internal sealed class TlsOperator : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();
    private readonly Task _accepting;

    public TlsOperator(X509Certificate2 certificate)
    {
        Certificate = certificate;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>What it shows; may change between connections.</summary>
    public X509Certificate2 Certificate { get; set; }

    public string Endpoint => $"https://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    /// <summary>The token that it takes; null for any or none.</summary>
    public string? Token { get; set; }

    /// <summary>Heads of the requests that came through.</summary>
    public ConcurrentQueue<string> Heads { get; } = [];

    /// <summary>A certificate for this machine's loopback address; without an issuer it has signed itself.</summary>
    public static X509Certificate2 MakeCertificate(string subject, X509Certificate2? issuer = null, bool isAuthority = false, string name = "127.0.0.1")
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={subject}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(isAuthority, false, 0, true));
        var names = new SubjectAlternativeNameBuilder();
        if (IPAddress.TryParse(name, out var address))
        {
            names.AddIpAddress(address);
        }
        else
        {
            names.AddDnsName(name);
        }

        request.CertificateExtensions.Add(names.Build());
        var (from, to) = (DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(issuer is null ? 2 : 1));
        using var bare = issuer is null ? request.CreateSelfSigned(from, to) : request.Create(issuer, from, to, RandomNumberGenerator.GetBytes(8)).CopyWithPrivateKey(key);

        // TLS on Linux takes a key only from a whole file.
        return X509CertificateLoader.LoadPkcs12(bare.Export(X509ContentType.Pkcs12), null);
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listener.Stop();
        await _accepting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _end.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_end.IsCancellationRequested)
        {
            using var client = await _listener.AcceptTcpClientAsync(_end.Token);
            await using var stream = new SslStream(client.GetStream());
            try
            {
                await stream.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = Certificate }, _end.Token);
                await AnswerAsync(stream);
            }
            catch (Exception exception) when (exception is IOException or System.Security.Authentication.AuthenticationException)
            {
                // A client that refuses the certificate ends the connection.
            }
        }
    }

    private async Task AnswerAsync(SslStream stream)
    {
        using var reader = new StreamReader(stream, Encoding.ASCII, leaveOpen: true);
        var head = new StringBuilder();
        while (await reader.ReadLineAsync(_end.Token) is { Length: > 0 } line)
        {
            head.Append(line).Append('\n');
        }

        if (head.Length == 0)
        {
            return;
        }

        Heads.Enqueue(head.ToString());
        var (status, body) = head.ToString().StartsWith("GET /verifycortex", StringComparison.Ordinal) ? (200, "{}")
            : Token is not null && !head.ToString().Contains($"Authorization: Bearer {Token}\n", StringComparison.Ordinal) ? (403, "{\"kind\":\"endpoints.auth_invalid_token\",\"message\":\"not this cluster's\"}")
            : head.ToString().StartsWith("GET /info", StringComparison.Ordinal) ? (200, JsonSerializer.Serialize(Apis.Info(), WireJson.Contract.InfoResponse))
            : (200, "[]");
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 {status} X\r\nContent-Length: {body.Length}\r\nConnection: close\r\n\r\n{body}"), _end.Token);
    }
}
