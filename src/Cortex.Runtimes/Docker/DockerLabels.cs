namespace Cortex.Runtimes.Docker;

/// <summary>Names and labels of what we create in the engine. A later version must be able to read them.</summary>
internal static class DockerLabels
{
    /// <summary>The cluster that a container, volume or network belongs to.</summary>
    public const string Cluster = "dev.cortex.cluster";

    /// <summary>The pod that a container or volume belongs to.</summary>
    public const string Pod = "dev.cortex.pod";

    /// <summary>The container's name in its pod; absent on the infra container.</summary>
    public const string Container = "dev.cortex.container";

    /// <summary>The whole <see cref="PodDefinition"/> as JSON, on the infra container only.</summary>
    public const string Definition = "dev.cortex.definition";

    private const string DeletingMark = ".deleting.";

    public static string Infra(string cluster, string podId) => $"cortex-{cluster}-{podId}";

    public static string User(string cluster, string podId, string container) => $"{Infra(cluster, podId)}.{container}";

    /// <summary>The shared volumes; each is mounted at the directory of its name.</summary>
    public static IReadOnlyList<string> Volumes { get; } = ["mnt", "cortex"];

    public static string Volume(string cluster, string podId, string name) => $"{Infra(cluster, podId)}-{name}";

    public static string Network(string cluster) => $"cortex-{cluster}";

    /// <summary>
    /// The infra container's name while its pod is deleted. Labels never change, names can: so a deletion survives the
    /// process that began it.
    /// </summary>
    public static string Deleting(string cluster, string podId, DateTimeOffset deadline) =>
        $"{Infra(cluster, podId)}{DeletingMark}{deadline.ToUnixTimeMilliseconds()}";

    /// <summary>When a deletion that an earlier process began may kill; null when none was begun.</summary>
    public static DateTimeOffset? DeletionDeadline(string name)
    {
        var at = name.IndexOf(DeletingMark, StringComparison.Ordinal);
        return at >= 0 && long.TryParse(name.AsSpan(at + DeletingMark.Length), out var milliseconds)
            ? DateTimeOffset.FromUnixTimeMilliseconds(milliseconds)
            : null;
    }
}
