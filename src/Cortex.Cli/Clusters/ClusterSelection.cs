using Cortex.Client.Environments;
using Cortex.Core.Errors;

namespace Cortex.Cli.Clusters;

/// <summary>Finds the cluster that a command is about.</summary>
internal static class ClusterSelection
{
    /// <summary>The cluster named by <c>--name</c>, by a configuration file, or the only one there is.</summary>
    /// <exception cref="CortexException">There is none, or there are several to choose from.</exception>
    public static ClusterDirectory Find(CliHost host, string? configFile, string? name)
    {
        var clusters = ClusterDirectory.All(host);
        return FindNamed(host, configFile, name, clusters) ?? clusters switch
        {
            [var only] => only,
            [] => throw new CortexException("cli.cluster_access_config_or_prompts_required", "there is no cluster on this machine; `cortex cluster up` makes one"),
            _ => throw Several(clusters),
        };
    }

    /// <summary>For commands that change nothing: also the cluster of an environment, and of several that of the default one, which is said then.</summary>
    /// <exception cref="CortexException">There is none, or nothing says which.</exception>
    public static async Task<ClusterDirectory> FindToReadAsync(CliHost host, string? configFile, string? name, string? environment)
    {
        var clusters = ClusterDirectory.All(host);
        if (environment is not null)
        {
            var operatorEndpoint = (host.Config.Load().Find(environment) ?? throw EnvironmentChoice.NotFound(environment)).OperatorEndpoint;
            return At(clusters, operatorEndpoint)
                ?? throw new CortexException("error", $"the {environment} environment leads to {operatorEndpoint}, which is no cluster of this machine{Known(clusters)}");
        }

        if (clusters.Count < 2 || name is not null || configFile is not null)
        {
            return Find(host, configFile, name);
        }

        var config = host.Config.Load();
        var usual = config.DefaultEnvironment is { } byDefault ? config.Find(byDefault) : null;
        var found = (usual is null ? null : At(clusters, usual.OperatorEndpoint)) ?? throw Several(clusters);
        await host.Error.WriteLineAsync($"using cluster {found.Name}, the default environment's\n");
        return found;
    }

    /// <summary>There is no telling which one is meant.</summary>
    public static CortexException Several(IReadOnlyList<ClusterDirectory> clusters) =>
        new("cli.cluster_access_config_or_prompts_required", $"which cluster? name it with `--name NAME`{Known(clusters)}");

    private static ClusterDirectory? FindNamed(CliHost host, string? configFile, string? name, IReadOnlyList<ClusterDirectory> clusters)
    {
        name ??= configFile is null ? null : ClusterSettings.Read(host.FullPath(configFile)).Name;
        return name is null ? null
            : clusters.FirstOrDefault(cluster => cluster.Name == name)
            ?? throw new CortexException("error", $"there is no cluster named {name} on this machine{Known(clusters)}; `cortex cluster up` makes one");
    }

    private static ClusterDirectory? At(IReadOnlyList<ClusterDirectory> clusters, string operatorEndpoint) =>
        clusters.FirstOrDefault(cluster => cluster.OperatorEndpoint == operatorEndpoint);

    private static string Known(IReadOnlyList<ClusterDirectory> clusters) =>
        clusters.Count == 0 ? "" : $" (there are {string.Join(", ", clusters.Select(cluster => cluster.Name))})";
}
