using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Cortex.Cli.Clusters;
using Cortex.Cli.Output;
using Cortex.Client;
using Cortex.Core.Errors;
using Cortex.Core.Wire;

namespace Cortex.Cli.Commands;

/// <summary>Shows where a cluster is, how it is configured and what it has room for.</summary>
internal static class ClusterInfoCommand
{
    private static readonly string[] MetadataKeys = ["api_version", "operator_id", "cluster_id", "is_operator_in_cluster"];

    /// <summary>Fields of a running cluster that nobody may set.</summary>
    private static readonly string[] ManagedKeys = [.. MetadataKeys, "cortex_policy_arn", "account_id", "cluster_uid", "bucket"];

    public static Command Create(CliHost host)
    {
        var config = CommonOptions.ClusterConfig();
        var name = CommonOptions.ClusterName();
        var env = CommonOptions.ClusterEnv();
        var region = CommonOptions.ClusterRegion();
        var output = CommonOptions.Output();
        var environmentName = new Option<string?>("--configure-env", "-e") { Description = "store this environment and make it the default", HelpName = "ENVIRONMENT_NAME" };
        var debug = new Option<bool>("--debug", "-d") { Description = "write what is needed to look into a problem to ./cortex-debug-<time>.tgz" };
        var withSettings = new Option<bool>("--settings") { Description = "show how it is configured, too" };
        var printConfig = new Option<bool>("--print-config") { Description = "print only the configuration, every default included" };
        var yes = CommonOptions.Yes("ask nothing");
        var command = new Command("info", "show a cluster's addresses, configuration and machines") { config, name, env, region, output, environmentName, debug, withSettings, printConfig, yes };
        CommandHelp.AddExamples(command,
            "cortex cluster info",
            "cortex cluster info --settings",
            "cortex cluster info --print-config > cluster.yaml",
            "cortex cluster info --name staging --configure-env staging");
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var format = parsed.GetValue(output);
            CheckFlags(parsed.GetValue(debug), parsed.GetValue(printConfig), format);
            var cluster = await ClusterSelection.FindToReadAsync(host, parsed.GetValue(config), parsed.GetValue(name), parsed.GetValue(env));
            var settings = cluster.ReadSettings();
            using var client = host.Connect(cluster.Environment(settings));
            if (parsed.GetValue(debug))
            {
                await host.Out.WriteLineAsync($"wrote {await DebugArchive.WriteAsync(host, cluster, client, cancellationToken)}");
                return ExitCodes.Success;
            }

            var info = await client.InfoAsync(cancellationToken);
            if (parsed.GetValue(printConfig))
            {
                var settable = Select(info.ClusterConfig, key => !ManagedKeys.Contains(key));
                await host.Out.WriteAsync(format == OutputFormat.Json ? settable.GetRawText() : YamlText.Document(settable));
            }
            else if (format == OutputFormat.Pretty)
            {
                await host.Out.WriteAsync(Render(info, settings, parsed.GetValue(withSettings), host.Style));
            }
            else
            {
                Answer.Write(host, format, JsonSerializer.SerializeToElement(Describe(info, settings), CliJson.Compact.ClusterInfo));
            }

            if (parsed.GetValue(environmentName) is { } environment)
            {
                if (!await ClusterUpCommand.MayStoreAsync(host, environment, settings, parsed.GetValue(yes) || format != OutputFormat.Pretty, cancellationToken))
                {
                    return ExitCodes.Failure;
                }

                ClusterUpCommand.Store(host, cluster.Environment(settings) with { Name = environment });
                await host.Error.WriteLineAsync($"configured {environment} environment");
            }

            return ExitCodes.Success;
        });
        return command;
    }

    private static void CheckFlags(bool debug, bool printConfig, OutputFormat format)
    {
        if (debug && (printConfig || format != OutputFormat.Pretty))
        {
            throw new CortexException("cli.mutually_exclusive_flags", $"--debug can't be combined with {(printConfig ? "--print-config" : "--output json or yaml")}");
        }
    }

    private static ClusterInfo Describe(InfoResponse info, ClusterSettings settings) => new(
        Select(info.ClusterConfig, key => !MetadataKeys.Contains(key)),
        Select(info.ClusterConfig, MetadataKeys.Contains),
        info.WorkerNodeInfos,
        info.OperatorNodeInfos,
        settings.OperatorEndpoint,
        WithoutScheme(info.EndpointApi));

    private static string Render(InfoResponse info, ClusterSettings settings, bool withSettings, Style style)
    {
        var endpoints = new KeyValues();
        endpoints.Add("operator", settings.OperatorEndpoint);
        endpoints.Add("api load balancer", WithoutScheme(info.EndpointApi));
        var replicas = info.WorkerNodeInfos.Sum(node => node.NumReplicas);
        var machines = info.WorkerNodeInfos.DistinctBy(node => node.Name).Count();
        var unscheduled = info.NumPendingReplicas > 0 ? $", and {Count(info.NumPendingReplicas, "unscheduled replica")}" : "";
        return $"""
            {style.Bold("endpoints:")}
            {endpoints.Render(key => key)}
            {style.Bold($"your cluster has {Count(replicas, "API replica")} running across {Count(machines, "instance")}{unscheduled}")}
            {Machines(info.WorkerNodeInfos, style)}
            {(withSettings ? Settings(info.ClusterConfig, style) : "`cortex cluster info --settings` shows how it is configured")}

            """.ReplaceLineEndings("\n");
    }

    // What is set, short sections on one line. The many fields that only mean something on AWS are null; JSON has them all.
    private static string Settings(JsonElement config, Style style)
    {
        var version = config.TryGetProperty("api_version", out var value) ? value.GetString() : ProductVersion.Current;
        return $"{style.Bold("cluster config:")}\ncluster version: {version}\n{YamlText.Brief(Select(config, key => !MetadataKeys.Contains(key)))}".TrimEnd('\n');
    }

    private static string Machines(IReadOnlyList<WorkerNodeInfo> nodes, Style style)
    {
        var (gpus, chips) = (nodes.Any(node => node.ComputeUserCapacity.Gpu > 0), nodes.Any(node => node.ComputeUserCapacity.Inf > 0));
        var grouped = nodes.Count > 1;
        var table = new Table(
        [
            .. grouped ? ["node group"] : Array.Empty<string>(),
            "instance type", "lifecycle", "replicas", "CPU (requested / total allocatable)", "memory (requested / total allocatable)",
            .. gpus ? ["GPU (requested / total allocatable)"] : Array.Empty<string>(),
            .. chips ? ["Inf (requested / total allocatable)"] : Array.Empty<string>(),
        ])
        { Sorted = false };
        foreach (var node in nodes)
        {
            var (used, all) = (node.ComputeUserRequested, node.ComputeUserCapacity);
            table.Add(
            [
                .. grouped ? [node.NodegroupName] : Array.Empty<string>(),
                node.InstanceType, node.IsSpot ? "spot" : "on-demand", Text(node.NumReplicas), $"{used.Cpu} / {all.Cpu}", $"{used.Mem} / {all.Mem}",
                .. gpus ? [$"{Text(used.Gpu)} / {Text(all.Gpu)}"] : Array.Empty<string>(),
                .. chips ? [$"{Text(used.Inf)} / {Text(all.Inf)}"] : Array.Empty<string>(),
            ]);
        }

        return table.IsEmpty ? "" : $"\n{table.Render(style)}";
    }

    private static JsonElement Select(JsonElement config, Func<string, bool> wanted)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            foreach (var property in config.EnumerateObject().Where(property => wanted(property.Name)))
            {
                property.WriteTo(writer);
            }

            writer.WriteEndObject();
        }

        using var document = JsonDocument.Parse(buffer.GetBuffer().AsMemory(0, (int)buffer.Length));
        return document.RootElement.Clone();
    }

    private static string WithoutScheme(string url) => url[(url.IndexOf("://", StringComparison.Ordinal) is var at and >= 0 ? at + 3 : 0)..].TrimEnd('/');

    private static string Count(int count, string noun) => $"{Text(count)} {noun}{(count == 1 ? "" : "s")}";

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
