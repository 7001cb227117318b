using System.Text.Json;
using Cortex.Client;
using Cortex.Core.Errors;

namespace Cortex.Cli.Clusters;

/// <summary>Whether a cluster's server is there and is the right one.</summary>
internal static class RunningCluster
{
    /// <summary>Its process lives, and what answers at its address knows our token and has its name.</summary>
    public static async Task<bool> AnswersAsync(CliHost host, CortexEnvironment environment, CancellationToken cancellationToken)
    {
        using var client = host.Connect(environment);
        try
        {
            var info = await client.InfoAsync(cancellationToken);
            return info.ClusterConfig.TryGetProperty("cluster_name", out var name) && name.ValueKind == JsonValueKind.String && name.GetString() == environment.Name;
        }
        catch (CortexException)
        {
            return false;
        }
    }
}
