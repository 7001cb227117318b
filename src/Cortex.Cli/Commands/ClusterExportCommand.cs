using System.CommandLine;
using System.Text.Json;
using Cortex.Cli.Clusters;
using Cortex.Cli.Output;
using Cortex.Client.Environments;
using Cortex.Core.Wire;

namespace Cortex.Cli.Commands;

/// <summary>Writes the configuration of every API to files that can be deployed again.</summary>
internal static class ClusterExportCommand
{
    public static Command Create(CliHost host)
    {
        var config = CommonOptions.ClusterConfig();
        var name = CommonOptions.ClusterName();
        var env = CommonOptions.ClusterEnv();
        var region = CommonOptions.ClusterRegion();
        var showEnv = CommonOptions.ShowEnv();
        var command = new Command("export", "write every API's configuration to a file") { config, name, env, region, showEnv };
        CommandHelp.AddExamples(command, "cortex cluster export", "cortex cluster export --env prod", "cortex cluster export --show-env");
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var cluster = await ClusterSelection.FindToReadAsync(host, parsed.GetValue(config), parsed.GetValue(name), parsed.GetValue(env));
            var settings = cluster.ReadSettings();
            using var client = host.Connect(cluster.Environment(settings));
            var clusterConfig = (await client.InfoAsync(cancellationToken)).ClusterConfig;
            var place = clusterConfig.TryGetProperty("region", out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "local";
            var apis = await client.GetAsync(cancellationToken);
            if (apis.Count == 0)
            {
                await host.Out.WriteLineAsync($"no apis found in your cluster named {settings.Name} in {place}");
                return ExitCodes.Success;
            }

            var directory = $"export-{place}-{settings.Name}";
            Directory.CreateDirectory(host.FullPath(directory));
            var hidden = false;
            foreach (var apiName in apis.Select(api => api.Metadata?.Name).OfType<string>())
            {
                var path = $"./{directory}/{apiName}.yaml";
                await host.Out.WriteLineAsync($"exporting {apiName} to {path}");
                var api = await client.GetAsync(apiName, parsed.GetValue(showEnv), cancellationToken);
                var text = Deployable(api.Spec!.SubmittedApiSpec);
                if (parsed.GetValue(showEnv))
                {
                    PrivateFile.Write(host.FullPath(path), text);
                }
                else
                {
                    await File.WriteAllTextAsync(host.FullPath(path), text, cancellationToken);
                    hidden |= HasEnv(api.Spec);
                }
            }

            if (hidden)
            {
                await host.Error.WriteLineAsync("\nthe values of env are left out, so that files with variables do not deploy as they are; --show-env writes them too");
            }

            return ExitCodes.Success;
        });
        return command;
    }

    private static bool HasEnv(DeployedSpec spec) => spec.Pod?.Containers.Any(container => container.Env.Count > 0) == true;

    // A list, since that is what deploy takes.
    private static string Deployable(JsonElement submitted)
    {
        using var list = JsonDocument.Parse($"[{submitted.GetRawText()}]");
        return YamlText.Document(list.RootElement);
    }
}
