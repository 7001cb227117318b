using System.Text;
using Cortex.Core.Shapes;

namespace Cortex.Core.Clusters;

/// <summary>The guide's reference of cluster configuration files.</summary>
public static class ClusterReference
{
    /// <summary>The page as Markdown.</summary>
    public static string Write()
    {
        var writer = new ReferenceWriter(HasEffect);
        var page = new StringBuilder();
        page.Append("# Every key of a cluster configuration\n\n");
        page.Append($"{ReferenceWriter.Origin} What the keys do together, and what happens beyond a limit, is in [Cluster configuration](../cluster-configuration.md).\n\n");
        page.Append("`node_groups[]` is an element of a list. Where no default is shown, the meaning says what holds. Durations are written as `10s` or `1h30m`, sizes as `512Mi` or `10Gi`.\n\n");
        page.Append($"## Cluster\n\n{writer.Write(ClusterShapes.Cluster.Fields.Where(field => field.Shape is not MapShape), "", "")}");
        foreach (var field in ClusterShapes.Cluster.Fields.Where(HasEffect))
        {
            if (field.Shape is MapShape map)
            {
                page.Append($"\n## `{field.Key}`\n\n{field.Doc}\n\n{writer.Write(map.Fields, $"{field.Key}.", "")}");
            }
        }

        page.Append("\n## Keys without effect\n\n");
        page.Append($"{ClusterShapes.NoEffect} Their types are checked.\n\n");
        page.Append($"{Words.Join([.. Without("", ClusterShapes.UnusedOfCluster), .. Without("node_groups[].", ClusterShapes.UnusedOfNodeGroup)], "and")}.\n");
        return page.ToString();
    }

    private static bool HasEffect(Field field) => field.Doc != ClusterShapes.NoEffect;

    private static IEnumerable<string> Without(string prefix, IEnumerable<Field> fields) => fields.Where(field => !HasEffect(field)).Select(field => $"`{prefix}{field.Key}`");
}
