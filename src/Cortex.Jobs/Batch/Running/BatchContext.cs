using System.Collections.Concurrent;
using Cortex.Dispatch.Workers;
using Cortex.Background;
using Cortex.Jobs.Batch.Enqueuing;
using Cortex.Jobs.Batch.Items;
using Cortex.Jobs.Loop;
using Cortex.Jobs.Storing;
using Cortex.Runtimes;
using Microsoft.Extensions.Logging;

namespace Cortex.Jobs.Batch.Running;

/// <summary>What running batch jobs needs.</summary>
internal sealed record BatchContext
{
    public required IJobStore Store { get; init; }

    public required BatchQueues Queues { get; init; }

    public required SubmittedItems Items { get; init; }

    public required Enqueuer Enqueuer { get; init; }

    public required IContainerRuntime Runtime { get; init; }

    public required WorkService Work { get; init; }

    public required BatchOptions Options { get; init; }

    public required JobHost Host { get; init; }

    public required TimeProvider Time { get; init; }

    public required JobLogs Logs { get; init; }

    public required ILogger Logger { get; init; }

    public required WakeSignal Signal { get; init; }

    /// <summary>Runs what takes time beside the loop.</summary>
    public required BackgroundWork Beside { get; init; }

    /// <summary>Counts batches by API.</summary>
    public BatchTotals Totals { get; } = new();

    /// <summary>Jobs that have not ended, by id.</summary>
    public ConcurrentDictionary<string, ActiveBatch> Jobs { get; } = new(StringComparer.Ordinal);

    /// <summary>Ids of jobs that are being submitted.</summary>
    public ConcurrentDictionary<string, bool> Submitting { get; } = new(StringComparer.Ordinal);

    /// <summary>Whether what belongs to a job is still needed whatever the store says.</summary>
    public bool IsActive(string jobId) => Jobs.ContainsKey(jobId) || Submitting.ContainsKey(jobId);
}
