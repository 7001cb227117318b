using Cortex.Jobs.Tasks;
using Cortex.Runtimes;

namespace Cortex.Jobs.Batch.Running;

/// <summary>A place for a worker. The loop alone changes it.</summary>
internal sealed class WorkerPlace
{
    /// <summary>Which worker it is that has this place, from 1.</summary>
    public int Generation { get; set; } = 1;

    /// <summary>Whether its pod was created and nobody has seen it die.</summary>
    public bool IsCreated { get; set; }

    /// <summary>Whether something is being done with its pod.</summary>
    public bool Busy { get; set; }

    /// <summary>When its pod was asked for.</summary>
    public DateTimeOffset AskedAt { get; set; }

    /// <summary>No pod is created before, as the last try failed.</summary>
    public DateTimeOffset? RetryAt { get; set; }

    /// <summary>Why that try failed.</summary>
    public string Trouble { get; set; } = "";

    /// <summary>Its pod as it was last seen; null when there is none.</summary>
    public PodStatus? Pod { get; set; }

    /// <summary>Whether it had a worker before.</summary>
    public bool WasTried => Generation > 1;

    /// <summary>How far its start is.</summary>
    public StartPhase Phase(DateTimeOffset now, TimeSpan slow) => Pod switch
    {
        { State: PodState.Pending or PodState.Stalled, Reason.Length: > 0 } => StartPhase.Started,   // as far as it can; its job asks for no more meanwhile
        null or { State: PodState.Pending or PodState.Stalled or PodState.Creating } when now - AskedAt <= slow => StartPhase.Starting,
        _ => StartPhase.Started,
    };

    /// <summary>As the rule sees it.</summary>
    public WorkerFacts Facts => new(Pod?.State, IsCreated, WasTried, Pod?.Reason ?? "");
}
