namespace Cortex.Cli.Environments;

/// <summary>What a user says of an environment; what is null is kept as it was, or asked for.</summary>
internal sealed record EnvironmentChange
{
    public string? Name { get; init; }

    public string? Endpoint { get; init; }

    public string? Token { get; init; }

    /// <summary>The file of a certificate to pin.</summary>
    public string? CertificateFile { get; init; }

    /// <summary>Whether any certificate will do.</summary>
    public bool Insecure { get; init; }

    /// <summary>Whether the operator is not to be asked.</summary>
    public bool Unchecked { get; init; }
}
