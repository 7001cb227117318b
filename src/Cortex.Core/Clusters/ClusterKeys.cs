using Cortex.Core.Shapes;

namespace Cortex.Core.Clusters;

/// <summary>What the keys of a cluster configuration mean, in the words of its schema.</summary>
public static class ClusterKeys
{
    /// <summary>A sentence on a key; null when there is none of that path.</summary>
    /// <param name="path">Such as <c>apis.port</c> or <c>node_groups[0].priority</c>.</param>
    public static string? Describe(string path) => Find(path)?.Doc;

    /// <summary>Whether a key is only taken for compatibility.</summary>
    /// <param name="path">As for <see cref="Describe"/>; below such a key, too.</param>
    public static bool HasNoEffect(string path)
    {
        var words = Words(path);
        var (key, fields) = words is ["node_groups", var second, ..] ? (second, ClusterShapes.UnusedOfNodeGroup) : (words[0], ClusterShapes.UnusedOfCluster);
        return fields.Any(field => field.Key == key);
    }

    private static Field? Find(string path)
    {
        Field? found = null;
        Shape? shape = ClusterShapes.Cluster;
        foreach (var word in Words(path))
        {
            found = (shape as MapShape)?.Fields.FirstOrDefault(field => field.Key == word);
            shape = found?.Shape is ListShape list ? list.Element : found?.Shape;
        }

        return found;
    }

    // Places in a list do not matter.
    private static string[] Words(string path) => [.. path.Split('.').Select(word => word.Split('[')[0])];
}
