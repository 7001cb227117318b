using System.Net.Security;

namespace Cortex.Client.Calling;

/// <summary>Connections to an operator, and to the APIs of its cluster.</summary>
internal static class OperatorTransport
{
    public static SocketsHttpHandler Create(Uri address, CortexEnvironment environment)
    {
        var transport = new SocketsHttpHandler
        {
            // Looking for a proxy costs start-up time and is never right for this machine.
            UseProxy = !address.IsLoopback,
            UseCookies = false,
            AllowAutoRedirect = false,
            ConnectTimeout = TimeSpan.FromSeconds(10),
        };
        if (address.Scheme == "https")
        {
            if (environment.Certificate is { } pem)
            {
                // Better here than in the middle of a handshake.
                CertificateCheck.ReadPem(pem, $"the {environment.Name} environment").Dispose();
            }

            // Asked before the first byte of a request leaves, the token included.
            transport.SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = new CertificateCheck(environment).Accepts };
        }

        return transport;
    }
}
