using System.CommandLine;
using Cortex.Cli.Clusters;
using Cortex.Cli.Output;
using Cortex.Client;
using Cortex.Client.Environments;
using Cortex.Core.Clusters;
using Cortex.Core.Errors;

namespace Cortex.Cli.Commands;

/// <summary>Starts a cluster on this machine.</summary>
internal static class ClusterUpCommand
{
    private const string DockerVariable = "DOCKER_HOST";
    private const string DockerScheme = "unix://";

    public static Command Create(CliHost host)
    {
        var file = new Argument<string?>("CLUSTER_CONFIG_FILE") { Description = "the cluster configuration [default: what the cluster had, else all defaults]", Arity = ArgumentArity.ZeroOrOne };
        var clusterName = new Option<string?>("--name", "-n") { Description = "the cluster's name, instead of a file [default: the only cluster there is, else cortex]", HelpName = "CLUSTER_NAME" };
        var environmentName = new Option<string?>("--configure-env", "-e") { Description = "the environment to store [default: the cluster's name]", HelpName = "ENVIRONMENT_NAME" };
        var yes = CommonOptions.Yes("ask nothing");
        var command = new Command("up", "start a cluster on this machine; harmless when it already runs") { file, clusterName, environmentName, yes };
        CommandHelp.AddExamples(command,
            "cortex cluster up",
            "cortex cluster up cluster.yaml",
            "cortex cluster up --name staging");
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var (cluster, text, settings) = Choose(host, parsed.GetValue(file), parsed.GetValue(clusterName));
            await settings.NameIgnoredFieldsAsync(host);
            await NameOtherEngineAsync(host, settings);

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
            if (server is not null && cluster.Exists && ConfigPlan.Between(cluster.ReadSettings(), settings) is { Changes: { Count: > 0 } changes })
            {
                throw new CortexException("cli.cluster_up", $"cluster {settings.Name} is already running with another configuration:\n{string.Concat(changes.Select(change => $"  {change.Describe()}\n"))}\nrun `cortex cluster configure {parsed.GetValue(file)}` to change it");
            }

            var before = cluster.Exists ? await File.ReadAllTextAsync(cluster.ConfigPath, cancellationToken) : null;
            PrivateFile.Write(cluster.ConfigPath, text);
            var environment = new CortexEnvironment { Name = settings.Name, OperatorEndpoint = settings.OperatorEndpoint, Token = token };
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
    public static void Store(CliHost host, CortexEnvironment environment) =>
        host.Config.Save(host.Config.Load().With(environment) with { DefaultEnvironment = environment.Name });

    /// <summary>Asks before an environment that points elsewhere is overwritten.</summary>
    public static async Task<bool> MayStoreAsync(CliHost host, string name, ClusterSettings settings, bool yes, CancellationToken cancellationToken)
    {
        if (name.Length is 0 or > CortexEnvironment.LongestName)
        {
            throw new CortexException("error", $"an environment's name has 1 to {CortexEnvironment.LongestName} characters");
        }

        return yes || !host.InputIsTerminal
            || host.Config.Load().Find(name) is not { } existing || existing.OperatorEndpoint == settings.OperatorEndpoint
            || await Prompt.ConfirmAsync(host, $"the {name} environment points to {existing.OperatorEndpoint}; overwrite it?", cancellationToken);
    }

    private static (ClusterDirectory Cluster, string Text, ClusterSettings Settings) Choose(CliHost host, string? file, string? name)
    {
        if (file is not null)
        {
            var path = host.FullPath(file);
            var settings = ClusterSettings.Read(path);
            return name is null || name == settings.Name
                ? (ClusterDirectory.Of(host, settings.Name), File.ReadAllText(path), settings)
                : throw new CortexException("cli.cluster_up", $"{file} is for the cluster {settings.Name}, not {name}; leave --name out, or write `cluster_name: {name}` into the file");
        }

        // Without a file the cluster comes up as it was.
        var clusters = ClusterDirectory.All(host);
        var found = (name, clusters) switch
        {
            ({ } wanted, _) => clusters.FirstOrDefault(cluster => cluster.Name == wanted),
            (null, [var only]) => only,
            (null, []) => null,
            _ => throw ClusterSelection.Several(clusters),
        };
        if (found is not null)
        {
            return (found, File.ReadAllText(found.ConfigPath), found.ReadSettings());
        }

        var made = ClusterDirectory.Of(host, name ?? new ClusterConfig().ClusterName);
        var (text, source) = NewConfig(name, host.Variable(DockerVariable));
        return made.Exists
            ? throw new CortexException("cli.cluster_up", $"{made.Path} holds the cluster {made.Name}, not {name}; ${ClusterDirectory.Variable} names it")
            : (made, text, ClusterSettings.Parse(text, source ?? made.ConfigPath));
    }

    // The engine is written down: the server and `cluster down` find the same one, whatever shell they are called from.
    // The source is what an error names in place of a file.
    private static (string Text, string? Source) NewConfig(string? name, string? docker)
    {
        var named = name is null ? null : $"cluster_name: {YamlText.Scalar(name)}\n";
        var engine = docker?.StartsWith(DockerScheme, StringComparison.Ordinal) == true ? $"docker: {{host: {YamlText.Scalar(docker)}}}\n" : null;
        return (named, engine) switch
        {
            (null, null) => ("{}\n", null),
            ({ }, null) => (named, "--name"),
            (null, { }) => (engine, DockerVariable),
            _ => (named + engine, $"--name and {DockerVariable}"),
        };
    }

    private static Task NameOtherEngineAsync(CliHost host, ClusterSettings settings) =>
        host.Variable(DockerVariable) is { Length: > 0 } docker && docker != settings.Config.Docker.Host
            ? host.Error.WriteLineAsync($"{DockerVariable} is {docker}; this cluster runs on {settings.Config.Docker.Host}, which `docker: {{host: ...}}` in its configuration changes")
            : Task.CompletedTask;

    // What did not come up is not a cluster: other commands should not find it.
    private static async Task StartAsync(CliHost host, ClusterDirectory cluster, CortexEnvironment environment, string? before, CancellationToken cancellationToken)
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
        addresses.Add("cluster", settings.Name);
        addresses.Add("operator", settings.OperatorEndpoint);
        addresses.Add("apis", settings.ApiEndpoint);
        addresses.Add("environment", $"{environment} (default)");
        return addresses.Render(key => key) + "\ntry `cortex deploy FILE --wait`, then `cortex get`; `cortex cluster down` stops everything\n";
    }
}
