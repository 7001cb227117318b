using Cortex.Core.Shapes;

namespace Cortex.Core.Clusters;

/// <summary>The JSON Schema of cluster configuration files.</summary>
public static class ClusterSchema
{
    /// <summary>The schema (draft 2020-12) as text.</summary>
    public static string Write() => JsonSchemaWriter.Write("Cortex: the configuration of a cluster", ClusterShapes.Cluster.ToSchema(""));
}
