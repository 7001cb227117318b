using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Cortex.Core.Errors;

namespace Cortex.Client.Calling;

/// <summary>Decides whether a certificate is the one that an environment means.</summary>
internal sealed class CertificateCheck(CortexEnvironment environment)
{
    /// <summary>What TLS asks. A refusal is thrown, so that its reason reaches whoever asked for the connection.</summary>
    /// <exception cref="CertificateRefusedException">It is not.</exception>
    public bool Accepts(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        if (environment.Insecure)
        {
            return true;
        }

        if (certificate is not X509Certificate2 shown)
        {
            throw new CertificateRefusedException($"{environment.OperatorEndpoint} shows no certificate", null);
        }

        if (environment.Certificate is null)
        {
            return errors == SslPolicyErrors.None ? true : throw new CertificateRefusedException(
                $"the certificate of {environment.OperatorEndpoint} is not trusted by this machine ({Reason(errors)}): {Describe(shown)}; "
                + $"`cortex env configure {environment.Name} --certificate FILE` trusts that one, or its issuer's, and --insecure trusts any",
                shown.ExportCertificatePem());
        }

        using var pinned = ReadPem(environment.Certificate, $"the {environment.Name} environment");
        return shown.RawDataMemory.Span.SequenceEqual(pinned.RawDataMemory.Span) || IsIssuedBy(pinned, shown, chain, errors) ? true : throw new CertificateRefusedException(
            $"{environment.OperatorEndpoint} shows another certificate than the one that the {environment.Name} environment trusts: {Describe(shown)}, instead of {Describe(pinned)}. "
            + $"If it was renewed on purpose, `cortex env configure {environment.Name} --certificate FILE` trusts the new one; if not, somebody else may be answering",
            shown.ExportCertificatePem());
    }

    /// <summary>A certificate in PEM.</summary>
    /// <param name="pem">The text; what else is in it is passed over.</param>
    /// <param name="place">Where it stands, for the error.</param>
    /// <exception cref="CortexException">It is none.</exception>
    public static X509Certificate2 ReadPem(string pem, string place)
    {
        try
        {
            return X509Certificate2.CreateFromPem(pem);
        }
        catch (CryptographicException exception)
        {
            throw new CortexException("cli.invalid_certificate", $"the certificate of {place} can't be read ({exception.Message}); it is text that begins with -----BEGIN CERTIFICATE-----", exception);
        }
    }

    /// <summary>Subject, which the other side may have written to fool a terminal, and fingerprint, as <c>openssl x509 -fingerprint -sha256</c> shows it.</summary>
    public static string Describe(X509Certificate2 certificate) =>
        $"\"{new string([.. certificate.Subject.Select(letter => char.IsControl(letter) ? '?' : letter)])}\", SHA-256 {string.Join(':', SHA256.HashData(certificate.RawDataMemory.Span).Select(part => part.ToString("X2", null)))}";

    // The name still has to fit: an issuer's certificate stands for many servers.
    private static bool IsIssuedBy(X509Certificate2 issuer, X509Certificate2 shown, X509Chain? received, SslPolicyErrors errors)
    {
        if (errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch))
        {
            return false;
        }

        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(issuer);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        if (received is not null)
        {
            chain.ChainPolicy.ExtraStore.AddRange(received.ChainElements.Select(element => element.Certificate).ToArray());
        }

        return chain.Build(shown);
    }

    private static string Reason(SslPolicyErrors errors) =>
        errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch) ? "it is made out for another name" : "nobody that this machine trusts has issued it, or it has expired";
}
