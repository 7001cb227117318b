using Cortex.Client.Environments;
using Cortex.Core.Errors;
using YamlDotNet.RepresentationModel;

namespace Cortex.Client;

/// <summary>A named operator: its address, its token and the certificate that it is trusted by.</summary>
public sealed record CortexEnvironment
{
    /// <summary>The most characters of a name.</summary>
    internal const int LongestName = 63;

    /// <summary>What errors call it; 1 to 63 characters.</summary>
    public required string Name { get; init; }

    /// <summary>The operator's address, such as <c>https://cortex.example.com</c>. Without a scheme it is <c>http</c> for this machine, else <c>https</c>.</summary>
    public required string OperatorEndpoint { get; init; }

    /// <summary>What the operator asks for as a bearer token; null when it asks for none.</summary>
    public string? Token { get; init; }

    /// <summary>The pinned certificate as PEM: the operator's own, or its issuer's. Null leaves the decision to the system's trust.</summary>
    public string? Certificate { get; init; }

    /// <summary>Whether any certificate is accepted.</summary>
    public bool Insecure { get; init; }

    /// <summary>Keys that other versions wrote; kept as they are.</summary>
    internal IReadOnlyList<KeyValuePair<YamlNode, YamlNode>> OtherKeys { get; init; } = [];

    /// <summary>
    /// The environment of that name in the command line's <c>cli.yaml</c>. Without a name, the operator of <c>CORTEX_OPERATOR_ENDPOINT</c> when that is
    /// set, else the default environment, or the only one. One without a token of its own is lent that of <c>CORTEX_TOKEN</c>.
    /// </summary>
    /// <remarks>
    /// The file lies in the folder that <c>CORTEX_CLI_CONFIG_DIR</c> names, else in <c>~/.cortex</c>, else, in a container of a cluster, in
    /// <c>/cortex/client</c>. It is read at each call.
    /// </remarks>
    /// <param name="name">The name; null for the one to prefer.</param>
    /// <exception cref="CortexException">There is none of that name, or none to prefer, or the file can't be understood.</exception>
    public static CortexEnvironment Find(string? name = null) => EnvironmentChoice.Choose(Surroundings.OfThisProcess(), name);

    /// <summary>Every environment of the file, in its order; only that of <c>CORTEX_OPERATOR_ENDPOINT</c> when that is set.</summary>
    /// <exception cref="CortexException">The file can't be understood.</exception>
    public static IReadOnlyList<CortexEnvironment> All() => EnvironmentChoice.All(Surroundings.OfThisProcess());

    /// <summary>Without the token, since records end up in logs.</summary>
    public override string ToString() => $"{Name} ({OperatorEndpoint})";
}
