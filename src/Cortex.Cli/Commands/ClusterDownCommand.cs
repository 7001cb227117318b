using System.CommandLine;
using System.Diagnostics;
using Cortex.Cli.Clusters;
using Cortex.Cli.Output;
using Cortex.Client;
using Cortex.Core.Clusters;
using Cortex.Core.Errors;

namespace Cortex.Cli.Commands;

/// <summary>Stops a cluster and removes what it has on this machine.</summary>
internal static class ClusterDownCommand
{
    public static Command Create(CliHost host)
    {
        var config = CommonOptions.ClusterConfig();
        var name = CommonOptions.ClusterName();
        var region = CommonOptions.ClusterRegion();
        var yes = CommonOptions.Yes("ask nothing");
        var keepData = new Option<bool>("--keep-data") { Description = "keep the deployed APIs' state, for the next `cluster up`" };
        keepData.Aliases.Add("--keep-aws-resources");
        var command = new Command("down", "stop a cluster and remove its containers and data") { config, name, region, yes, keepData };
        CommandHelp.AddExamples(command,
            "cortex cluster down",
            "cortex cluster down --name staging --keep-data --yes");
        command.SetAction(async (parsed, cancellationToken) =>
        {
            if (parsed.GetValue(config) is null && parsed.GetValue(name) is null && ClusterDirectory.All(host).Count == 0)
            {
                await host.Out.WriteLineAsync("there is no cluster on this machine");
                return ExitCodes.Success;
            }

            var cluster = ClusterSelection.Find(host, parsed.GetValue(config), parsed.GetValue(name));
            var settings = ReadSettings(host, cluster, parsed.GetValue(name));
            var clusterName = settings?.Name ?? cluster.Name;
            var token = File.Exists(cluster.TokenPath) ? cluster.ObtainToken() : null;
            var keep = parsed.GetValue(keepData);

            // Better now than when the cluster is gone and its environment can't be removed.
            host.Config.Load();
            if (!parsed.GetValue(yes) && !await ConfirmAsync(host, clusterName, keep, cancellationToken))
            {
                return ExitCodes.Failure;
            }

            using var alone = await ClusterLock.TakeAsync(host, cluster, cancellationToken);
            if (ServerProcess.Find(cluster) is { } server)
            {
                await host.Out.WriteLineAsync("stopping the server ...");
                await server.StopAsync(host.Time, cancellationToken);
            }

            await TeardownAsync(host, cluster, clusterName, settings is not null, cancellationToken);
            if (!keep)
            {
                cluster.Delete();
            }

            RemoveEnvironments(host, environment => settings is not null ? environment.OperatorEndpoint == settings.OperatorEndpoint : token is not null && environment.Token == token);
            await host.Out.WriteLineAsync(keep ? $"cluster {clusterName} is down; its data stays in {cluster.Path}" : $"cluster {clusterName} is down");
            return ExitCodes.Success;
        });
        return command;
    }

    private static Task<bool> ConfirmAsync(CliHost host, string name, bool keepData, CancellationToken cancellationToken) =>
        Prompt.ConfirmAsync(host, $"cluster {name} and all its running APIs will be stopped{(keepData ? "" : ", and its data deleted")}; go on?", cancellationToken);

    // Null when the configuration can't be read, the cluster was named all the same, and its name is enough to find all that it runs.
    private static ClusterSettings? ReadSettings(CliHost host, ClusterDirectory cluster, string? name)
    {
        try
        {
            return cluster.ReadSettings();
        }
        catch (CortexException) when (name is not null && !ClusterDirectory.IsGiven(host) && UsesTheUsualDocker(cluster))
        {
            return null;
        }
    }

    // On another engine than the usual one nothing would be found, and what runs there would be forgotten.
    private static bool UsesTheUsualDocker(ClusterDirectory cluster) =>
        !File.ReadAllText(cluster.ConfigPath).Replace(new DockerSettings().Host, "", StringComparison.Ordinal).Contains("unix:", StringComparison.Ordinal);

    private static async Task TeardownAsync(CliHost host, ClusterDirectory cluster, string name, bool isReadable, CancellationToken cancellationToken)
    {
        using var process = Process.Start(host.Server.Teardown(cluster, isReadable ? null : name)) ?? throw new IOException($"{host.Server.FileName} could not be started");
        process.StandardInput.Close();
        try
        {
            await Task.WhenAll(
                CopyAsync(process.StandardOutput, host.Out, cancellationToken),
                CopyAsync(process.StandardError, host.Error, cancellationToken),
                process.WaitForExitAsync(cancellationToken));
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            throw;
        }

        if (process.ExitCode != 0)
        {
            throw new CortexException("cli.cluster_down", $"not everything of cluster {name} could be removed; mend what is said above and run `cortex cluster down --name {name}` again");
        }
    }

    private static async Task CopyAsync(StreamReader from, TextWriter to, CancellationToken cancellationToken)
    {
        while (await from.ReadLineAsync(cancellationToken) is { } line)
        {
            await to.WriteLineAsync(line);
        }
    }

    private static void RemoveEnvironments(CliHost host, Func<CortexEnvironment, bool> belongs)
    {
        var config = host.Config.Load();
        var names = config.Environments.Where(belongs).Select(environment => environment.Name).ToArray();
        if (names.Length > 0)
        {
            host.Config.Save(config.Without(names));
        }
    }
}
