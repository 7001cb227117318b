using Cortex.Cli.Commands;
using Cortex.Cli.Output;
using Cortex.Client;
using Cortex.Client.Environments;

namespace Cortex.Cli.Environments;

/// <summary>Decides which environment a command talks to.</summary>
internal static class EnvironmentResolver
{
    /// <summary>The environment of <c>--env</c>, the one of the variables, the default, or the only one.</summary>
    /// <param name="host">Where configuration and prompts are.</param>
    /// <param name="name">What <c>--env</c> says; null when it was not given.</param>
    /// <param name="announce">Whether to say which one is used when there is a choice.</param>
    /// <param name="cancellationToken">Ends a prompt.</param>
    public static async Task<CortexEnvironment> ResolveAsync(CliHost host, string? name, bool announce, CancellationToken cancellationToken)
    {
        var store = host.Config;
        var config = store.Load();
        if (name is not null)
        {
            return config.Find(name) is null ? await ConfigureMissingAsync(host, name, cancellationToken) : EnvironmentChoice.Choose(host.Surroundings, config, name);
        }

        var environment = EnvironmentChoice.Choose(host.Surroundings, config);
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

    /// <summary>The same, connected. The caller disposes of the client.</summary>
    public static async Task<CortexClient> ConnectAsync(CliHost host, string? name, bool announce, CancellationToken cancellationToken) =>
        host.Connect(await ResolveAsync(host, name, announce, cancellationToken));

    private static async Task<CortexEnvironment> ConfigureMissingAsync(CliHost host, string name, CancellationToken cancellationToken)
    {
        if (!host.InputIsTerminal)
        {
            throw EnvironmentChoice.NotFound(name);
        }

        await host.Error.WriteLineAsync($"the {name} environment is not configured\n");
        if (await Prompt.ConfirmAsync(host, "is its cluster already running?", cancellationToken))
        {
            return await EnvConfigureCommand.ConfigureAsync(host, new EnvironmentChange { Name = name }, host.Error, cancellationToken);
        }

        await host.Error.WriteLineAsync("start a cluster on this machine with `cortex cluster up`");
        throw new PromptInterruptedException();
    }
}
