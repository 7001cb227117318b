using Cortex.Runtimes.Docker.Engine;

namespace Cortex.Runtimes.Docker;

/// <summary>What an earlier process left in the engine, sorted by what is to be done with it. Pure.</summary>
/// <remarks>
/// A record is written before anything else of its pod, so what belongs to none is the rest of a deletion, or of one by
/// hand.
/// </remarks>
internal sealed record FoundCluster
{
    /// <summary>Every pod with a record.</summary>
    public required IReadOnlyList<FoundPod> Pods { get; init; }

    /// <summary>Names of network containers that no pod has taken, and of containers that were set aside.</summary>
    public required IReadOnlyList<string> Spares { get; init; }

    /// <summary>Containers without a pod.</summary>
    public required IReadOnlyList<ListedContainer> LeftContainers { get; init; }

    /// <summary>Volumes without a pod.</summary>
    public required IReadOnlyList<Volume> LeftVolumes { get; init; }

    public static FoundCluster Of(string cluster, IReadOnlyList<ListedContainer> containers, IReadOnlyList<Volume> volumes)
    {
        var records = volumes
            .Where(v => v.Labels?.GetValueOrDefault(DockerLabels.Pod) is { } pod && v.Name == DockerLabels.Record(cluster, pod))
            .ToDictionary(v => v.Labels![DockerLabels.Pod], StringComparer.Ordinal);
        var spares = containers.Where(c => DockerLabels.IsSpare(cluster, c.Name)).ToList();
        var pods = containers.Except(spares).ToLookup(c => c.Labels.ContainsKey(DockerLabels.Container));
        var users = pods[true].ToLookup(c => c.Labels.GetValueOrDefault(DockerLabels.Pod, ""), StringComparer.Ordinal);
        var byPod = pods[false].ToLookup(c => DockerLabels.PodOf(cluster, c.Name) ?? "", StringComparer.Ordinal);
        return new FoundCluster
        {
            Pods =
            [
                .. records.Select(record => new FoundPod(record.Key, record.Value, byPod[record.Key].FirstOrDefault(), [.. users[record.Key]])
                {
                    FrozenAt = volumes.FirstOrDefault(v => v.Name == DockerLabels.FrozenMark(cluster, record.Key))?.CreatedAt,
                    WasReady = volumes.Any(v => v.Name == DockerLabels.ReadyMark(cluster, record.Key)),
                }),
            ],
            Spares = [.. spares.Select(c => c.Name)],
            LeftContainers =
            [
                .. users.Where(pod => !records.ContainsKey(pod.Key)).SelectMany(pod => pod),
                .. byPod.SelectMany(pod => records.ContainsKey(pod.Key) ? pod.Skip(1) : pod),
            ],
            LeftVolumes = [.. volumes.Where(v => v.Labels?.GetValueOrDefault(DockerLabels.Pod) is not { } pod || !records.ContainsKey(pod))],
        };
    }
}

/// <summary>What there is of one pod.</summary>
/// <param name="Id">The pod's id.</param>
/// <param name="Record">The volume with its definition.</param>
/// <param name="Infra">Its network container; null when it has none.</param>
/// <param name="Users">The user's containers.</param>
internal sealed record FoundPod(string Id, Volume Record, ListedContainer? Infra, IReadOnlyList<ListedContainer> Users)
{
    /// <summary>When it was marked as frozen; null when it is not.</summary>
    public DateTimeOffset? FrozenAt { get; init; }

    /// <summary>Whether its readiness probes passed when an earlier process last looked.</summary>
    public bool WasReady { get; init; }

    /// <summary>When a deletion that an earlier process began may kill; null when none was begun.</summary>
    public DateTimeOffset? DeletionDeadline => Infra is null ? null : DockerLabels.DeletionDeadline(Infra.Name);
}
