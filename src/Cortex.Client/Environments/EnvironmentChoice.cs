using Cortex.Core.Errors;

namespace Cortex.Client.Environments;

/// <summary>Decides which environment is meant, without a question or a change of the configuration.</summary>
internal static class EnvironmentChoice
{
    /// <summary>The environment of a name, or without one that of the variables, the default, or the only one.</summary>
    /// <exception cref="CortexException">There is none, or none to prefer.</exception>
    public static CortexEnvironment Choose(Surroundings surroundings, string? name = null) => Choose(surroundings, Load(surroundings), name);

    /// <summary>The same of a configuration that was read.</summary>
    public static CortexEnvironment Choose(Surroundings surroundings, CliConfig config, string? name = null) =>
        name is not null ? EnvironmentVariables.WithToken(surroundings, config.Find(name) ?? throw NotFound(name))
        : EnvironmentVariables.Read(surroundings, config) ?? EnvironmentVariables.WithToken(surroundings, Default(config));

    /// <summary>Every environment; only that of the variables when they name one.</summary>
    public static IReadOnlyList<CortexEnvironment> All(Surroundings surroundings)
    {
        var config = Load(surroundings);
        return EnvironmentVariables.Read(surroundings, config) is { } only ? [only] : [.. config.Environments.Select(each => EnvironmentVariables.WithToken(surroundings, each))];
    }

    public static CortexException NotFound(string name) => new(
        "cli.environment_not_found",
        $"there is no environment named {name}; `cortex env list` shows those there are, `cortex env configure {name}` adds it");

    private static CliConfig Load(Surroundings surroundings) => new CliConfigStore(ConfigDirectory.Locate(surroundings)).Load();

    private static CortexEnvironment Default(CliConfig config)
    {
        if (config.DefaultEnvironment is { } name)
        {
            return config.Find(name) ?? throw NotFound(name);
        }

        return config.Environments switch
        {
            [var only] => only,
            [] => throw new CortexException("cli.no_available_environment", $"no environments are configured; start a cluster on this machine with `cortex cluster up`, or run `cortex env configure` to use one that is running elsewhere (scripts set {EnvironmentVariables.Endpoint} and {EnvironmentVariables.Token})"),
            _ => throw new CortexException("cli.environment_not_set", "no default environment is set; name one with `--env NAME`, or choose the default with `cortex env default NAME`"),
        };
    }
}
