using System.Security.Cryptography;

namespace Cortex.Runtimes.Docker;

/// <summary>Names and labels of what we create in the engine. A later version must be able to read them.</summary>
internal static class DockerLabels
{
    /// <summary>The cluster that a container, volume or network belongs to.</summary>
    public const string Cluster = "dev.cortex.cluster";

    /// <summary>The pod that a container or volume belongs to.</summary>
    public const string Pod = "dev.cortex.pod";

    /// <summary>The container's name in its pod; absent on network containers, whose name says what they belong to.</summary>
    public const string Container = "dev.cortex.container";

    /// <summary>The whole <see cref="PodDefinition"/> as JSON, on the pod's record: the volume that its containers share at <c>/mnt</c>.</summary>
    public const string Definition = "dev.cortex.definition";

    /// <summary>The node group that the container's pod takes its room from; absent without groups.</summary>
    public const string NodeGroup = "dev.cortex.nodegroup";

    private const string DeletingMark = ".deleting.";

    /// <summary>The network container of a pod.</summary>
    public static string Infra(string cluster, string podId) => $"cortex-{cluster}-{podId}";

    /// <summary>
    /// A new name of a container that belongs to no pod: a network container that none has taken yet, or one that was set aside because the engine could not
    /// start it. The dot keeps it apart from every pod's.
    /// </summary>
    public static string NewSpare(string cluster) => $"{SparePrefix(cluster)}{RandomNumberGenerator.GetHexString(8, lowercase: true)}";

    /// <summary>Whether it is the name of a container that belongs to no pod.</summary>
    public static bool IsSpare(string cluster, string name) => name.StartsWith(SparePrefix(cluster), StringComparison.Ordinal);

    /// <summary>The pod whose network container has this name, also while it is deleted; null when it is none's.</summary>
    public static string? PodOf(string cluster, string name)
    {
        var prefix = Infra(cluster, "");
        if (!name.StartsWith(prefix, StringComparison.Ordinal))
        {
            return null;
        }

        var rest = name[prefix.Length..];
        var mark = rest.IndexOf(DeletingMark, StringComparison.Ordinal);
        return mark >= 0 ? rest[..mark] : rest;
    }

    public static string User(string cluster, string podId, string container) => $"{Infra(cluster, podId)}.{container}";

    /// <summary>The shared volumes; each is mounted at the directory of its name. The first is the pod's record.</summary>
    public static IReadOnlyList<string> Volumes { get; } = ["mnt", "cortex"];

    /// <summary>The volume that carries the pod's definition: it can't be removed while a container of the pod exists.</summary>
    public static string Record(string cluster, string podId) => Volume(cluster, podId, Volumes[0]);

    public static string Volume(string cluster, string podId, string name) => $"{Infra(cluster, podId)}-{name}";

    /// <summary>The volume that exists while a pod is frozen by us, rather than halted by hand.</summary>
    public static string FrozenMark(string cluster, string podId) => Volume(cluster, podId, "frozen");

    /// <summary>The volume that exists while every readiness probe of a pod passes, for the next process.</summary>
    public static string ReadyMark(string cluster, string podId) => Volume(cluster, podId, "ready");

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

    private static string SparePrefix(string cluster) => $"cortex-{cluster}.spare-";
}
