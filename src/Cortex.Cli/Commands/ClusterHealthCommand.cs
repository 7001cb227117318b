using System.CommandLine;
using System.Text.Json;
using Cortex.Cli.Clusters;
using Cortex.Cli.Output;
using Cortex.Core.Errors;

namespace Cortex.Cli.Commands;

/// <summary>Shows which parts of a cluster work.</summary>
internal static class ClusterHealthCommand
{
    public static Command Create(CliHost host)
    {
        var config = CommonOptions.ClusterConfig();
        var name = CommonOptions.ClusterName();
        var env = CommonOptions.ClusterEnv();
        var region = CommonOptions.ClusterRegion();
        var output = CommonOptions.Output();
        var command = new Command("health", "show which parts of a cluster work; exit code 1 when one does not") { config, name, env, region, output };
        CommandHelp.AddExamples(command, "cortex cluster health", "cortex cluster health --name staging -o json");
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var cluster = await ClusterSelection.FindToReadAsync(host, parsed.GetValue(config), parsed.GetValue(name), parsed.GetValue(env));
            var (health, error) = await AskAsync(host, cluster, cancellationToken);
            var format = parsed.GetValue(output);
            if (format == OutputFormat.Pretty)
            {
                await host.Out.WriteLineAsync(Render(health, host.Style));
            }
            else
            {
                Answer.Write(host, format, JsonSerializer.SerializeToElement(health, CliJson.Compact.SortedDictionaryStringBoolean));
            }

            if (error.Length > 0)
            {
                host.ReportError(error);
            }

            return health.Values.All(live => live) ? ExitCodes.Success : ExitCodes.Failure;
        });
        return command;
    }

    private static async Task<(SortedDictionary<string, bool> Health, string Error)> AskAsync(CliHost host, ClusterDirectory cluster, CancellationToken cancellationToken)
    {
        var health = new SortedDictionary<string, bool>(StringComparer.Ordinal) { ["operator"] = true };
        try
        {
            using var client = host.Connect(cluster.Environment(cluster.ReadSettings()));
            var info = await client.InfoAsync(cancellationToken);
            foreach (var (part, live) in info.Health)
            {
                health[part] = live;
            }

            return (health, string.Join("; ", info.HealthMessages?.Values ?? []));
        }
        catch (CortexException exception)
        {
            health["operator"] = false;
            return (health, exception.Message);
        }
    }

    private static string Render(SortedDictionary<string, bool> health, Style style)
    {
        var table = new Table("", "live") { DecorateCell = cell => cell switch { "true" => style.Green(cell), "false" => style.Red(cell), _ => cell } };
        foreach (var (part, live) in health)
        {
            table.Add(part.Replace('_', ' '), live ? "true" : "false");
        }

        return table.Render(style);
    }
}
