using System.CommandLine;
using System.Text.Json;
using Cortex.Cli.Client;
using Cortex.Cli.Clusters;
using Cortex.Cli.Output;

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
        var command = new Command("export", "write every API's configuration to a file") { config, name, env, region };
        CommandHelp.AddExamples(command, "cortex cluster export", "cortex cluster export --env prod");
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var cluster = await ClusterSelection.FindToReadAsync(host, parsed.GetValue(config), parsed.GetValue(name), parsed.GetValue(env));
            var settings = cluster.ReadSettings();
            using var client = new OperatorClient(host, cluster.Environment(settings));
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
            foreach (var apiName in apis.Select(api => api.Metadata?.Name).OfType<string>())
            {
                var path = $"./{directory}/{apiName}.yaml";
                await host.Out.WriteLineAsync($"exporting {apiName} to {path}");
                var api = await client.GetAsync(apiName, cancellationToken);
                await File.WriteAllTextAsync(host.FullPath(path), Deployable(api.Spec!.SubmittedApiSpec), cancellationToken);
            }

            return ExitCodes.Success;
        });
        return command;
    }

    // A list, since that is what deploy takes.
    private static string Deployable(JsonElement submitted)
    {
        using var list = JsonDocument.Parse($"[{submitted.GetRawText()}]");
        return YamlText.Document(list.RootElement);
    }
}
