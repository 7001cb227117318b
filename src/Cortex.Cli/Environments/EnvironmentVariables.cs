namespace Cortex.Cli.Environments;

/// <summary>An operator named by variables, for scripts and containers that have no cli.yaml.</summary>
internal static class EnvironmentVariables
{
    /// <summary>The operator's address. It takes the default environment's place; <c>--env</c> comes before it.</summary>
    public const string Endpoint = "CORTEX_OPERATOR_ENDPOINT";

    /// <summary>The operator's token: of the address above, or of an environment that has none of its own.</summary>
    public const string Token = "CORTEX_TOKEN";

    /// <summary>The environment that the variables make; null when they name no address.</summary>
    public static CliEnvironment? Read(CliHost host, CliConfig config)
    {
        if (host.Variable(Endpoint) is not { Length: > 0 } text)
        {
            return null;
        }

        // What is stored for that operator holds, its token and its certificate; the variable's token comes first.
        var address = OperatorEndpoint.Normalize(text);
        var environment = config.Environments.FirstOrDefault(each => each.OperatorEndpoint == address)
            ?? new CliEnvironment { Name = Endpoint, OperatorEndpoint = address };
        return ReadToken(host) is { } token ? environment with { Token = token } : environment;
    }

    /// <summary>Lends an environment without a token the variable's.</summary>
    public static CliEnvironment WithToken(CliHost host, CliEnvironment environment) =>
        environment.Token is null && ReadToken(host) is { } token ? environment with { Token = token } : environment;

    /// <summary>The variable's token; null without one.</summary>
    public static string? ReadToken(CliHost host) => host.Variable(Token)?.Trim() is { Length: > 0 } token ? token : null;
}
