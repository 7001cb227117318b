using System.Text.Json.Serialization;
using Cortex.Core.Specs;
using Cortex.Jobs.Batch;

namespace Cortex.Jobs;

/// <summary>What is kept of one job, but for its configuration and the specification of its API.</summary>
public sealed record JobRecord
{
    /// <summary>Rises by one each time that it is stored anew; a change names the one that it was made from. Not part of its text.</summary>
    [JsonIgnore]
    public long Revision { get; init; }

    /// <summary>A time id: newer jobs sort first.</summary>
    public required string Id { get; init; }

    /// <summary>The API it was submitted to.</summary>
    public required string ApiName { get; init; }

    /// <summary>That API's kind.</summary>
    public required ApiKind Kind { get; init; }

    /// <summary>The version of the API that it runs, whatever is deployed later.</summary>
    public required string ApiId { get; init; }

    /// <summary>Hash of that version's specification.</summary>
    public required string SpecId { get; init; }

    /// <summary>Hash of what runs in that version's pod.</summary>
    public required string PodId { get; init; }

    /// <summary>Pods that it runs in.</summary>
    public int Workers { get; init; } = 1;

    /// <summary>Seconds from its submission after which it is ended; null for no limit.</summary>
    public long? Timeout { get; init; }

    /// <summary>Jobs of a higher priority start first; 0-9.</summary>
    public int Priority { get; init; }

    /// <summary>Times that it is tried when its containers fail.</summary>
    public int MaxAttempts { get; init; } = 1;

    /// <summary>When it was submitted.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>The time of the run of its API's schedule that it is; null for a job that somebody submitted.</summary>
    public DateTimeOffset? ScheduledAt { get; init; }

    /// <summary>When its first process began; null before.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>When it ended; null before.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>Where it is.</summary>
    public JobStatus Status { get; init; } = JobStatus.Pending;

    /// <summary>The attempt that is under way or was the last; from 1.</summary>
    public int Attempt { get; init; } = 1;

    /// <summary>The attempt does not begin before.</summary>
    public DateTimeOffset? NotBefore { get; init; }

    /// <summary>Set once it was decided to end it while it was not over.</summary>
    public JobEnding? Ending { get; init; }

    /// <summary>How it is, as people are told: from the moment that its end was decided, how it will have ended, though processes of it may still run.</summary>
    public JobStatus ToldStatus => Status.IsFinal() ? Status : Ending?.Status ?? Status;

    /// <summary>Whether it is forgotten once it has ended, as its API was deleted with its history.</summary>
    public bool Forget { get; init; }

    /// <summary>Why it is as it is, for people. Empty when there is nothing to say.</summary>
    public string Message { get; init; } = "";

    /// <summary>Exit code of the container that decided how it ended; null when none did.</summary>
    public int? ExitCode { get; init; }

    /// <summary>The last lines that were written before it failed.</summary>
    public IReadOnlyList<string> LastLogLines { get; init; } = [];

    /// <summary>What only a batch job has; null for others.</summary>
    public BatchPart? Batch { get; init; }

    /// <summary>When it is ended if it is not over; null for never.</summary>
    public DateTimeOffset? Deadline =>
        Timeout is { } seconds && seconds < (DateTimeOffset.MaxValue - CreatedAt).TotalSeconds - 1 ? CreatedAt.AddSeconds(seconds) : null;
}

/// <summary>A decision to end a job.</summary>
/// <param name="Status">How it will have ended.</param>
/// <param name="At">When that was decided.</param>
/// <param name="Message">Why.</param>
public sealed record JobEnding(JobStatus Status, DateTimeOffset At, string Message);
