using System.CommandLine;
using Cortex.Cli.Clusters;
using Cortex.Cli.Environments;
using Cortex.Cli.Output;
using Cortex.Core.Clusters;
using Cortex.Core.Errors;

namespace Cortex.Cli.Commands;

/// <summary>Starts a cluster on this machine.</summary>
internal static class ClusterUpCommand
{
    public static Command Create(CliHost host)
    {
        var file = new Argument<string?>("CLUSTER_CONFIG_FILE") { Description = "the cluster configuration [default: what the cluster had, else all defaults]", Arity = ArgumentArity.ZeroOrOne };
        var environmentName = new Option<string?>("--configure-env", "-e") { Description = "the environment to store [default: the cluster's name]", HelpName = "NAME" };
        var yes = CommonOptions.Yes("ask nothing");
        var command = new Command("up", "start a cluster on this machine; harmless when it already runs") { file, environmentName, yes };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var (cluster, text, settings) = Choose(host, parsed.GetValue(file));
            foreach (var field in settings.Config.IgnoredFields)
            {
                await host.Error.WriteLineAsync($"note: {field} has no effect on this machine");
            }

            // Better now than when the server runs and can't be stored.
            host.Config.Load();
            var name = parsed.GetValue(environmentName) ?? settings.Name;
            if (!await MayStoreAsync(host, name, settings, parsed.GetValue(yes), cancellationToken))
            {
                return ExitCodes.Failure;
            }

            using var alone = await ClusterLock.TakeAsync(host, cluster, cancellationToken);
            var token = cluster.ObtainToken();
            var server = ServerProcess.Find(cluster);
            if (server is not null && cluster.Exists && ConfigDifferences.Between(cluster.ReadSettings().Config, settings.Config) is { Count: > 0 } changes)
            {
                throw new CortexException("cli.cluster_up", $"cluster {settings.Name} is already running with another configuration:\n{string.Concat(changes.Select(change => $"  {change}\n"))}\nrun `cortex cluster configure {parsed.GetValue(file)}` to change it");
            }

            var before = cluster.Exists ? await File.ReadAllTextAsync(cluster.ConfigPath, cancellationToken) : null;
            PrivateFile.Write(cluster.ConfigPath, text);
            var environment = new CliEnvironment { Name = settings.Name, OperatorEndpoint = settings.OperatorEndpoint, Token = token };
            var wasRunning = server is not null && await RunningCluster.AnswersAsync(host, environment, cancellationToken);
            if (!wasRunning)
            {
                // A server that lives but does not answer is in nobody's use: it is replaced.
                await (server?.StopAsync(host.Time, cancellationToken) ?? Task.CompletedTask);
                await StartAsync(host, cluster, environment, before, cancellationToken);
            }

            Store(host, environment with { Name = name });
            await host.Out.WriteLineAsync(wasRunning ? $"cluster {settings.Name} is already running\n" : host.Style.Bold("cortex is ready!") + "\n");
            await host.Out.WriteAsync(Summary(settings, name));
            return ExitCodes.Success;
        });
        return command;
    }

    /// <summary>Makes the environment the default one.</summary>
    public static void Store(CliHost host, CliEnvironment environment) =>
        host.Config.Save(host.Config.Load().With(environment) with { DefaultEnvironment = environment.Name });

    /// <summary>Asks before an environment that points elsewhere is overwritten.</summary>
    public static async Task<bool> MayStoreAsync(CliHost host, string name, ClusterSettings settings, bool yes, CancellationToken cancellationToken)
    {
        if (name.Length is 0 or > CliEnvironment.LongestName)
        {
            throw new CortexException("error", $"an environment's name has 1 to {CliEnvironment.LongestName} characters");
        }

        return yes || !host.InputIsTerminal
            || host.Config.Load().Find(name) is not { } existing || existing.OperatorEndpoint == settings.OperatorEndpoint
            || await Prompt.ConfirmAsync(host, $"the {name} environment points to {existing.OperatorEndpoint}; overwrite it?", cancellationToken);
    }

    private static (ClusterDirectory Cluster, string Text, ClusterSettings Settings) Choose(CliHost host, string? file)
    {
        if (file is not null)
        {
            var path = host.FullPath(file);
            var settings = ClusterSettings.Read(path);
            return (ClusterDirectory.Of(host, settings.Name), File.ReadAllText(path), settings);
        }

        // Without a file the cluster comes up as it was.
        var clusters = ClusterDirectory.All(host);
        if (clusters is [var only])
        {
            return (only, File.ReadAllText(only.ConfigPath), only.ReadSettings());
        }

        var cluster = ClusterDirectory.Of(host, new ClusterConfig().ClusterName);
        return cluster.Exists
            ? (cluster, File.ReadAllText(cluster.ConfigPath), cluster.ReadSettings())
            : (cluster, "{}\n", ClusterSettings.Parse("{}", cluster.ConfigPath));
    }

    // What did not come up is not a cluster: other commands should not find it.
    private static async Task StartAsync(CliHost host, ClusterDirectory cluster, CliEnvironment environment, string? before, CancellationToken cancellationToken)
    {
        try
        {
            await ServerStart.RunAsync(host, cluster, environment, cancellationToken);
        }
        catch when (before is null)
        {
            File.Delete(cluster.ConfigPath);
            throw;
        }
        catch
        {
            PrivateFile.Write(cluster.ConfigPath, before!);
            throw;
        }
    }

    private static string Summary(ClusterSettings settings, string environment)
    {
        var addresses = new KeyValues();
        addresses.Add("operator", settings.OperatorEndpoint);
        addresses.Add("apis", settings.ApiEndpoint);
        addresses.Add("environment", $"{environment} (default)");
        return addresses.Render(key => key) + "\ntry `cortex deploy FILE --wait`, then `cortex get`; `cortex cluster down` stops everything\n";
    }
}
