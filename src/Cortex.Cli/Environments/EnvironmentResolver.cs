using Cortex.Cli.Commands;
using Cortex.Cli.Output;
using Cortex.Core.Errors;

namespace Cortex.Cli.Environments;

/// <summary>Decides which environment a command talks to.</summary>
internal static class EnvironmentResolver
{
    /// <summary>The environment of <c>--env</c>, the one of the variables, the default, or the only one.</summary>
    /// <param name="host">Where configuration and prompts are.</param>
    /// <param name="name">What <c>--env</c> says; null when it was not given.</param>
    /// <param name="announce">Whether to say which one is used when there is a choice.</param>
    /// <param name="cancellationToken">Ends a prompt.</param>
    public static async Task<CliEnvironment> ResolveAsync(CliHost host, string? name, bool announce, CancellationToken cancellationToken)
    {
        var store = host.Config;
        var config = store.Load();
        if (name is not null)
        {
            return config.Find(name) is { } named ? EnvironmentVariables.WithToken(host, named) : await ConfigureMissingAsync(host, name, cancellationToken);
        }

        var environment = Choose(host, config);
        var isStored = config.Find(environment.Name) is not null;
        if (config.DefaultEnvironment is null && isStored)
        {
            store.Save(config with { DefaultEnvironment = environment.Name });
        }

        if (announce && config.Environments.Count > (isStored ? 1 : 0))
        {
            await host.Out.WriteLineAsync($"using {environment.Name} environment\n");
        }

        return environment;
    }

    /// <summary>The same without a question, a word or a change of the configuration.</summary>
    /// <exception cref="CortexException">There is none, or none to prefer.</exception>
    public static CliEnvironment Choose(CliHost host, CliConfig config, string? name = null) =>
        name is not null ? EnvironmentVariables.WithToken(host, config.Find(name) ?? throw NotFound(name))
        : EnvironmentVariables.Read(host, config) ?? EnvironmentVariables.WithToken(host, Default(config));

    /// <summary>Every environment; only that of the variables when they name one.</summary>
    public static IReadOnlyList<CliEnvironment> All(CliHost host)
    {
        var config = host.Config.Load();
        return EnvironmentVariables.Read(host, config) is { } only ? [only] : [.. config.Environments.Select(each => EnvironmentVariables.WithToken(host, each))];
    }

    private static CliEnvironment Default(CliConfig config)
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

    private static async Task<CliEnvironment> ConfigureMissingAsync(CliHost host, string name, CancellationToken cancellationToken)
    {
        if (!host.InputIsTerminal)
        {
            throw NotFound(name);
        }

        await host.Error.WriteLineAsync($"the {name} environment is not configured\n");
        if (await Prompt.ConfirmAsync(host, "is its cluster already running?", cancellationToken))
        {
            return await EnvConfigureCommand.ConfigureAsync(host, new EnvironmentChange { Name = name }, host.Error, cancellationToken);
        }

        await host.Error.WriteLineAsync("start a cluster on this machine with `cortex cluster up`");
        throw new PromptInterruptedException();
    }

    public static CortexException NotFound(string name) => new(
        "cli.environment_not_found",
        $"there is no environment named {name}; `cortex env list` shows those there are, `cortex env configure {name}` adds it");
}
