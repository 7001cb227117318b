using Cortex.Dispatch.Workers;
using Cortex.Jobs.Batch.Enqueuing;
using Cortex.Jobs.Loop;
using Cortex.Routing;
using Cortex.Runtimes;

namespace Cortex.Jobs.Batch.Running;

/// <summary>A batch job that has not ended, with what need not outlive the process. The loop alone changes it, but for its record and its tally.</summary>
internal sealed class ActiveBatch : JobEntry
{
    private volatile Seen _seen = new(new Dictionary<PodState, int>(), "");
    private volatile Boxed _enqueued = new(default);
    private long _answersSeen;

    public ActiveBatch(JobRecord record)
        : base(record)
    {
        Tally.Resume(Part.TimedBatches, Part.Seconds);
    }

    /// <summary>What only a batch job has.</summary>
    public BatchPart Part => Record.Batch ?? throw new InvalidDataException($"job {Record.Id} is stored as a batch job without its settings");

    /// <summary>Whether its turn has come.</summary>
    public bool IsAdmitted { get; set; }

    /// <summary>One place for each worker that was asked for, once it was admitted.</summary>
    public WorkerPlace[] Places { get; set; } = [];

    /// <summary>Counts its batches.</summary>
    public BatchTally Tally { get; } = new();

    /// <summary>Whether its items are being put into the queue.</summary>
    public CancellationTokenSource? Enqueuing { get; set; }

    /// <summary>What was put into the queue. That this is all shows only once the tally knows, too.</summary>
    public EnqueueProgress Enqueued
    {
        get => _enqueued.Progress;
        set => _enqueued = new Boxed(value);
    }

    /// <summary>Why enqueuing ended early.</summary>
    public EnqueueFailure? Failure { get; set; }

    /// <summary>Its queue while it is worked off.</summary>
    public QueueWork? Work { get; set; }

    /// <summary>The end of working the queue off; null before.</summary>
    public Task? Closing { get; set; }

    /// <summary>Workers that get batches.</summary>
    public IReadOnlyList<ReplicaAddress> Workers { get; set; } = [];

    /// <summary>Workers that died since a batch was last answered.</summary>
    public int DeathsInARow { get; private set; }

    /// <summary>Whether one of those used more memory than its limit.</summary>
    public bool DiedOfMemory { get; private set; }

    /// <summary>How the last of those died.</summary>
    public string LastDeath { get; private set; } = "";

    /// <summary>What it wrote last.</summary>
    public IReadOnlyList<string> LastLines { get; private set; } = [];

    /// <summary>Exit code of its container that ended first.</summary>
    public int? LastExitCode { get; private set; }

    /// <summary>No dead worker is replaced before.</summary>
    public DateTimeOffset? ReplaceAt { get; private set; }

    /// <summary>Since when no worker runs although one is wanted.</summary>
    public DateTimeOffset? IdleSince { get; private set; }

    /// <summary>What a worker of it lacks that waits for room; null when none waits.</summary>
    public string? LacksRoom { get; private set; }

    /// <summary>What has become of telling a worker that the job is complete.</summary>
    public JobCompletion Completion { get; set; }

    /// <summary>Breaks off telling.</summary>
    public CancellationTokenSource? Telling { get; set; }

    /// <summary>Nobody is told before, as the last try failed.</summary>
    public DateTimeOffset? TellAt { get; set; }

    /// <summary>Whether the queue is being asked what it holds.</summary>
    public bool Counting { get; set; }

    /// <summary>Whether there is something that the next process should know.</summary>
    public bool MustSave { get; set; }

    /// <summary>When times of batches are stored again.</summary>
    public DateTimeOffset SaveAt { get; set; }

    /// <summary>What people see.</summary>
    public BatchProgress Progress
    {
        get
        {
            var seen = _seen;
            var enqueued = Enqueued;
            var (remaining, failed) = enqueued.Done ? (Tally.Remaining, Tally.Failed) : (enqueued.Batches, 0);
            return new BatchProgress
            {
                TotalBatches = enqueued.Batches,
                IsEnqueued = enqueued.Done,
                BatchesInQueue = remaining,
                Failed = failed,
                Succeeded = Math.Max(0, enqueued.Batches - remaining - failed),
                AverageSeconds = Tally.Timed > 0 ? Tally.Seconds / Tally.Timed : null,
                WorkerCounts = seen.Workers,
                DeathReason = seen.Death,
            };
        }
    }

    /// <summary>Its turn has come, in this process or an earlier one.</summary>
    public void Admit()
    {
        IsAdmitted = true;
        Places = [.. Enumerable.Range(0, Record.Workers).Select(place => new WorkerPlace { Generation = Part.Generations.GetValueOrDefault(place, 1) })];
    }

    /// <summary>Takes over a worker that an earlier process created.</summary>
    public void Adopt(PodStatus pod, DateTimeOffset now)
    {
        var place = BatchPods.Place(pod);
        var generation = BatchPods.Generation(pod);
        if (place < Places.Length && generation >= Places[place].Generation)
        {
            Places[place].Generation = generation;
            Places[place].IsCreated = true;
            Places[place].AskedAt = now;
        }
    }

    /// <summary>Takes in how its pods are now, and takes them out of the list.</summary>
    public void See(Dictionary<string, PodStatus> pods, DateTimeOffset now)
    {
        var counts = new Dictionary<PodState, int>();
        var isAlive = false;
        LacksRoom = null;
        for (var place = 0; place < Places.Length; place++)
        {
            pods.Remove(BatchPods.PodId(Record, place, Places[place].Generation), out var pod);
            Places[place].Pod = pod;
            if (pod is not null)
            {
                counts[pod.State] = counts.GetValueOrDefault(pod.State) + 1;
                isAlive |= pod.State is PodState.Ready or PodState.NotReady;
                LacksRoom ??= pod is { State: PodState.Pending or PodState.Stalled, Reason.Length: > 0 } ? pod.Reason : null;
            }
        }

        IdleSince = isAlive || !Enqueued.Done ? null : IdleSince ?? now;
        if (Tally.Answered is var answered && answered != _answersSeen)
        {
            _answersSeen = answered;
            (DeathsInARow, DiedOfMemory, LastDeath, ReplaceAt) = (0, false, "", null);
        }

        _seen = new Seen(counts, LastDeath);
    }

    /// <summary>Counts a worker that died. Its place is free.</summary>
    public void Bury(int place, PodStatus? pod, bool ofMemory, string reason, IReadOnlyList<string> lastLines, JobOptions options, DateTimeOffset now)
    {
        var exit = pod?.Containers.Where(container => container.ExitCode is not null and not 0).MinBy(container => container.EndedAt ?? DateTimeOffset.MaxValue);
        (LastDeath, LastLines, LastExitCode) = (reason, lastLines, exit?.ExitCode);
        DeathsInARow++;
        DiedOfMemory |= ofMemory;

        // The first one is replaced at once.
        ReplaceAt = DeathsInARow < 2 ? null : now + options.Retries.After(DeathsInARow - 1);
        Places[place].Generation++;
        MustSave = true;
        Places[place].IsCreated = false;
        Places[place].Pod = null;
    }

    /// <summary>All that the rule looks at.</summary>
    public BatchFacts Facts()
    {
        var enqueued = Enqueued;
        var failed = Tally.Failed;
        return new BatchFacts
        {
            Status = Record.Status,
            Deadline = Record.Deadline,
            Ending = Record.Ending is { } ending ? new BatchEnding(ending.Status, ending.Message) : null,
            IsEnqueuing = Enqueuing is not null,
            Enqueued = enqueued,
            EnqueueFailure = Failure,
            Succeeded = enqueued.Done ? enqueued.Batches - Tally.Remaining - failed : 0,
            Failed = failed,
            Workers = [.. Places.Select(place => place.Facts)],
            DeathsInARow = DeathsInARow,
            DiedOfMemory = DiedOfMemory,
            LastDeath = LastDeath,
            ReplaceAt = ReplaceAt,
            IdleSince = IdleSince,
            Completion = Completion,
        };
    }

    private sealed record Seen(IReadOnlyDictionary<PodState, int> Workers, string Death);

    private sealed record Boxed(EnqueueProgress Progress);
}
