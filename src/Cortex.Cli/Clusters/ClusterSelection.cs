using Cortex.Core.Errors;

namespace Cortex.Cli.Clusters;

/// <summary>Finds the cluster that a command is about.</summary>
internal static class ClusterSelection
{
    /// <summary>The cluster named by <c>--name</c>, by a configuration file, or the only one there is.</summary>
    /// <exception cref="CortexException">There is none, or there are several to choose from.</exception>
    public static ClusterDirectory Find(CliHost host, string? configFile, string? name)
    {
        name ??= configFile is null ? null : ClusterSettings.Read(host.FullPath(configFile)).Name;
        var clusters = ClusterDirectory.All(host);
        if (name is not null)
        {
            return clusters.FirstOrDefault(cluster => cluster.Name == name)
                ?? throw new CortexException("error", $"there is no cluster named {name} on this machine{Known(clusters)}; `cortex cluster up` makes one");
        }

        return clusters switch
        {
            [var only] => only,
            [] => throw new CortexException("cli.cluster_access_config_or_prompts_required", "there is no cluster on this machine; `cortex cluster up` makes one"),
            _ => throw new CortexException("cli.cluster_access_config_or_prompts_required", $"which cluster? name it with `--name NAME`{Known(clusters)}"),
        };
    }

    private static string Known(IReadOnlyList<ClusterDirectory> clusters) =>
        clusters.Count == 0 ? "" : $" (there are {string.Join(", ", clusters.Select(cluster => cluster.Name))})";
}
