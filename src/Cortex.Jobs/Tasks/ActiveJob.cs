using System.Diagnostics.CodeAnalysis;
using Cortex.Runtimes;

namespace Cortex.Jobs.Tasks;

/// <summary>A task job that has not ended, with what need not outlive the process.</summary>
[SuppressMessage("Design", "CA1001", Justification = "Without a wait handle the semaphore holds nothing.")]
internal sealed class ActiveJob(JobRecord record)
{
    private volatile JobRecord _record = record;
    private volatile string _waitsFor = "";
    private volatile bool _busy;

    /// <summary>As it is stored.</summary>
    public JobRecord Record
    {
        get => _record;
        set => _record = value;
    }

    /// <summary>Lets one change of the record at a time be stored.</summary>
    public SemaphoreSlim Changing { get; } = new(1, 1);

    /// <summary>Whether a step of it is under way.</summary>
    public bool Busy
    {
        get => _busy;
        set => _busy = value;
    }

    /// <summary>What it waits for, for people.</summary>
    public string WaitsFor
    {
        get => _waitsFor;
        set => _waitsFor = value;
    }

    /// <summary>Nothing is tried before, as the last try failed.</summary>
    public DateTimeOffset? RetryAt { get; set; }

    /// <summary>The pause before the next try.</summary>
    public TimeSpan RetryDelay { get; set; }

    /// <summary>When its pod was asked for; null while it was not.</summary>
    public DateTimeOffset? AskedAt { get; set; }

    /// <summary>Since when its images can't be had.</summary>
    public DateTimeOffset? NoImageSince { get; set; }

    /// <summary>Ends with the job.</summary>
    public TaskCompletionSource Ended { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

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
