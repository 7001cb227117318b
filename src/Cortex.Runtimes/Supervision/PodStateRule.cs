namespace Cortex.Runtimes.Supervision;

/// <summary>Derives a pod's state from its containers, in the order of Cortex 0.42. Pure.</summary>
internal static class PodStateRule
{
    /// <summary>The state of a pod that has room and is not being deleted.</summary>
    public static PodState Of(IReadOnlyList<ContainerFacts> containers, RestartPolicy restart)
    {
        if (containers.Count == 0)
        {
            return PodState.Pending;
        }

        if (containers.Any(c => c.Phase is ContainerPhase.ImageError))
        {
            return PodState.ErrImagePull;
        }

        if (Verdict(containers, restart) is { } bad)
        {
            return bad;
        }

        if (containers.All(c => c.Phase is ContainerPhase.Ended))
        {
            return PodState.Succeeded;
        }

        // A container that waits after an end with 0 is about to run again: the pod is up, but not whole.
        if (containers.Any(c => c.Phase is ContainerPhase.Waiting && c.ExitCode is null))
        {
            return PodState.Pending;
        }

        if (containers.Any(c => c.Phase is ContainerPhase.Creating))
        {
            return PodState.Creating;
        }

        return containers.All(c => c.Phase is ContainerPhase.Ended || (c.Phase is ContainerPhase.Running && c.Ready))
            ? PodState.Ready
            : PodState.NotReady;
    }

    /// <summary>How a container's end is called.</summary>
    public static PodState OfEnd(int exitCode, bool oomKilled) => (exitCode, oomKilled) switch
    {
        (_, true) => PodState.KilledOOM,
        (0, _) => PodState.Succeeded,
        (129 or 130 or SignalExitCodes.Killed or SignalExitCodes.Terminated, _) => PodState.Killed,
        _ => PodState.Failed,
    };

    private static PodState? Verdict(IReadOnlyList<ContainerFacts> containers, RestartPolicy restart)
    {
        var ends = containers.Where(c => c.Phase is not ContainerPhase.Running && c.ExitCode is not null and not 0);
        if (restart is RestartPolicy.Never)
        {
            // The first failure ends the others, whose own exit codes say nothing then.
            ends = ends.OrderBy(c => c.EndedAt).Take(1);
        }

        var states = ends.Select(c => OfEnd(c.ExitCode!.Value, c.OomKilled)).ToList();
        return states switch
        {
            [] => null,
            _ when states.Contains(PodState.KilledOOM) => PodState.KilledOOM,
            _ when states.Contains(PodState.Killed) => PodState.Killed,
            _ => PodState.Failed,
        };
    }
}
