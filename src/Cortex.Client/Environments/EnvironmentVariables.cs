namespace Cortex.Client.Environments;

/// <summary>An operator named by variables, for scripts and containers that have no cli.yaml.</summary>
internal static class EnvironmentVariables
{
    /// <summary>The operator's address. It takes the default environment's place; a name that is given comes before it.</summary>
    public const string Endpoint = "CORTEX_OPERATOR_ENDPOINT";

    /// <summary>The operator's token: of the address above, or of an environment that has none of its own.</summary>
    public const string Token = "CORTEX_TOKEN";

    /// <summary>The environment that the variables make; null when they name no address.</summary>
    public static CortexEnvironment? Read(Surroundings surroundings, CliConfig config)
    {
        if (surroundings.Variable(Endpoint) is not { Length: > 0 } text)
        {
            return null;
        }

        // What is stored for that operator holds, its token and its certificate; the variable's token comes first.
        var address = OperatorEndpoint.Normalize(text);
        var environment = config.Environments.FirstOrDefault(each => each.OperatorEndpoint == address)
            ?? new CortexEnvironment { Name = Endpoint, OperatorEndpoint = address };
        return ReadToken(surroundings) is { } token ? environment with { Token = token } : environment;
    }

    /// <summary>Lends an environment without a token the variable's.</summary>
    public static CortexEnvironment WithToken(Surroundings surroundings, CortexEnvironment environment) =>
        environment.Token is null && ReadToken(surroundings) is { } token ? environment with { Token = token } : environment;

    /// <summary>The variable's token; null without one.</summary>
    public static string? ReadToken(Surroundings surroundings) => surroundings.Variable(Token)?.Trim() is { Length: > 0 } token ? token : null;
}
