using YamlDotNet.RepresentationModel;

namespace Cortex.Cli.Environments;

/// <summary>A named operator.</summary>
internal sealed record CliEnvironment
{
    /// <summary>The most characters of a name.</summary>
    public const int LongestName = 63;

    public required string Name { get; init; }

    /// <summary>The operator's URL, with its scheme and without a slash at the end.</summary>
    public required string OperatorEndpoint { get; init; }

    /// <summary>What the operator asks for as a bearer token; null when it asks for none.</summary>
    public string? Token { get; init; }

    /// <summary>The pinned certificate as PEM: the operator's own, or its issuer's. Null leaves the decision to the system's trust.</summary>
    public string? Certificate { get; init; }

    /// <summary>Whether any certificate is accepted.</summary>
    public bool Insecure { get; init; }

    /// <summary>Keys that other versions wrote; kept as they are.</summary>
    public IReadOnlyList<KeyValuePair<YamlNode, YamlNode>> OtherKeys { get; init; } = [];
}
