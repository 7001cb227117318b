using Cortex.Core.Errors;

namespace Cortex.Client.Calling;

/// <summary>The other side of a TLS connection is not who it should be. Nothing was sent to it.</summary>
internal sealed class CertificateRefusedException(string message, string? pem) : Exception(message)
{
    /// <summary>The certificate that was shown, as PEM; null when there was none.</summary>
    public string? Pem { get; } = pem;

    /// <summary>The refusal among an exception and its causes; null when it has another reason.</summary>
    public static CertificateRefusedException? Find(Exception? exception)
    {
        while (exception is not (null or CertificateRefusedException))
        {
            exception = exception.InnerException;
        }

        return exception as CertificateRefusedException;
    }

    /// <summary>As the user sees it.</summary>
    public CortexException ToError() => new(ClientErrorKinds.CertificateRefused, $"{Message}\n\nnothing was sent to it", this);
}
