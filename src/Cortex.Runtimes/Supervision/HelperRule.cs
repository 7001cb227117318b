namespace Cortex.Runtimes.Supervision;

/// <summary>Decides when the helpers in a job's pod are to end, and what their ends mean. Pure.</summary>
/// <remarks>A database proxy or a model server has no end of its own: when the work is done, it is told to end.</remarks>
internal static class HelperRule
{
    /// <summary>From when on containers that still run are ended; null when nothing ends them.</summary>
    /// <param name="containers">All containers of the pod, as they ended by themselves.</param>
    /// <param name="grace">How long helpers may run on; null for as long as they like.</param>
    public static DateTimeOffset? EndAt(IReadOnlyList<ContainerFacts> containers, TimeSpan? grace)
    {
        if (grace is not { } helperGrace)
        {
            return null;
        }

        var done = containers.Where(c => c is { Phase: ContainerPhase.Ended, ExitCode: 0 }).Min(c => c.EndedAt);
        if (done is not { } at || helperGrace > DateTimeOffset.MaxValue - at)
        {
            return null;
        }

        var endAt = at + helperGrace;
        return containers.Any(c => HasFailed(c) && c.EndedAt < endAt) ? null : endAt;
    }

    /// <summary>The containers with the ends of helpers that were ended taken for ends with 0, as Cortex 0.42 reports them.</summary>
    public static IReadOnlyList<ContainerFacts> Excuse(IReadOnlyList<ContainerFacts> containers, TimeSpan? grace) =>
        EndAt(containers, grace) is null ? containers : [.. containers.Select(c => WasEnded(c) ? c with { ExitCode = 0, OomKilled = false } : c)];

    /// <summary>The same for what others are shown.</summary>
    public static IReadOnlyList<ContainerStatus> Excuse(IReadOnlyList<ContainerStatus> shown, IReadOnlyList<ContainerFacts> containers, TimeSpan? grace) =>
        EndAt(containers, grace) is null ? shown
            : [.. shown.Select((c, i) => WasEnded(containers[i]) ? c with { ExitCode = 0, OomKilled = false, Reason = $"container {c.Name} was ended, as the job's work was done" } : c)];

    // One that was not even started by then has nothing to do any more.
    private static bool WasEnded(ContainerFacts container) => HasFailed(container) || container is { Phase: ContainerPhase.Ended, ExitCode: null };

    private static bool HasFailed(ContainerFacts container) => container.Phase is not ContainerPhase.Running && container.ExitCode is not null and not 0;
}
