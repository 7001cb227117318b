using Cortex.Jobs.Loop;
using Cortex.Runtimes;

namespace Cortex.Jobs.Tasks;

/// <summary>A task job that has not ended, with what need not outlive the process.</summary>
internal sealed class ActiveJob(JobRecord record) : JobEntry(record)
{
    /// <summary>When its pod was asked for; null while it was not.</summary>
    public DateTimeOffset? AskedAt { get; set; }

    /// <summary>Since when its images can't be had.</summary>
    public DateTimeOffset? NoImageSince { get; set; }

    /// <summary>The pod of the present attempt.</summary>
    public string PodId => TaskPods.PodId(Record);

    /// <summary>Takes in how its pod is now.</summary>
    public void See(PodStatus? pod, DateTimeOffset now)
    {
        AskedAt = pod is null && !Busy ? null : AskedAt ?? now;
        NoImageSince = pod?.State == PodState.ErrImagePull ? NoImageSince ?? now
            : pod is null || pod.Containers.Any(container => container.Running) ? null
            : NoImageSince;
    }

    /// <summary>How far its start is.</summary>
    public StartPhase Phase(PodStatus? pod, DateTimeOffset now, TimeSpan slow) => pod switch
    {
        { State: PodState.Pending or PodState.Stalled, Reason.Length: > 0 } when pod.Containers.All(container => container is { Running: false, ExitCode: null }) => StartPhase.WaitingForRoom,
        { State: PodState.ErrImagePull } => StartPhase.Started,
        _ when Record.Status != JobStatus.Pending || now - AskedAt > slow => StartPhase.Started,
        not null when pod.Containers.Count > 0 && pod.Containers.All(container => container.Running || container.ExitCode is not null) => StartPhase.Started,
        _ => StartPhase.Starting,
    };
}
