using System.CommandLine;
using Cortex.Cli.Clusters;
using Cortex.Cli.Output;
using Cortex.Client.Environments;
using Cortex.Core.Errors;

namespace Cortex.Cli.Commands;

/// <summary>Changes a cluster's configuration; containers keep running while its server restarts.</summary>
internal static class ClusterConfigureCommand
{
    public static Command Create(CliHost host)
    {
        var file = new Argument<string>("CLUSTER_CONFIG_FILE") { Description = "the new cluster configuration" };
        var yes = CommonOptions.Yes("ask nothing");
        var command = new Command("configure", "change a cluster's configuration") { file, yes };
        CommandHelp.AddExamples(command, "cortex cluster configure cluster.yaml");
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var path = host.FullPath(parsed.GetValue(file)!);
            var settings = ClusterSettings.Read(path);
            var cluster = ClusterSelection.Find(host, configFile: null, settings.Name);
            var (before, after) = (await File.ReadAllTextAsync(cluster.ConfigPath, cancellationToken), await File.ReadAllTextAsync(path, cancellationToken));
            var previous = cluster.ReadSettings();
            var plan = ConfigPlan.Between(previous, settings);
            await settings.NameIgnoredFieldsAsync(host);
            if (plan.Changes.Count == 0)
            {
                await host.Out.WriteLineAsync("your cluster is already up to date");
                return ExitCodes.Success;
            }

            await host.Out.WriteAsync($"cluster {settings.Name} will be changed:\n{plan.Render()}");
            if (!parsed.GetValue(yes) && !await Prompt.ConfirmAsync(host, "its server restarts, which takes a second or two; APIs keep running. go on?", cancellationToken))
            {
                return ExitCodes.Failure;
            }

            using var alone = await ClusterLock.TakeAsync(host, cluster, cancellationToken);
            PrivateFile.Write(cluster.ConfigPath, after);
            if (ServerProcess.Find(cluster) is { } server)
            {
                await server.StopAsync(host.Time, cancellationToken);
                await RestartAsync(host, cluster, settings, previous, before, cancellationToken);
                await host.Out.WriteLineAsync($"cluster {settings.Name} is running with its new configuration");
            }
            else
            {
                await host.Out.WriteLineAsync($"cluster {settings.Name} is not running; `cortex cluster up` starts it with its new configuration");
            }

            MoveEnvironments(host, previous.OperatorEndpoint, settings.OperatorEndpoint);
            return ExitCodes.Success;
        });
        return command;
    }

    // A configuration that the server can't start with is taken back, so that the cluster keeps running.
    private static async Task RestartAsync(CliHost host, ClusterDirectory cluster, ClusterSettings settings, ClusterSettings previous, string before, CancellationToken cancellationToken)
    {
        try
        {
            await ServerStart.RunAsync(host, cluster, cluster.Environment(settings), cancellationToken);
        }
        catch (CortexException exception)
        {
            PrivateFile.Write(cluster.ConfigPath, before);
            await ServerStart.RunAsync(host, cluster, cluster.Environment(previous), cancellationToken);
            throw new CortexException("cli.cluster_configure", $"{exception.Message}\n\nthe cluster runs again with its previous configuration", exception);
        }
    }

    private static void MoveEnvironments(CliHost host, string from, string to)
    {
        var config = host.Config.Load();
        if (from != to && config.Environments.Any(environment => environment.OperatorEndpoint == from))
        {
            host.Config.Save(config with { Environments = [.. config.Environments.Select(each => each.OperatorEndpoint == from ? each with { OperatorEndpoint = to } : each)] });
        }
    }
}
