using Cortex.Jobs.Batch;
using Cortex.Runtimes;

namespace Cortex.Jobs;

/// <summary>A job as it is at one moment.</summary>
/// <param name="Record">What is kept of it.</param>
/// <param name="Message">Why it is as it is, for people; empty when there is nothing to say.</param>
/// <param name="Worker">The state of its pod; null when it has none, and for a batch job.</param>
/// <param name="Batch">How far a batch job is; null for others.</param>
public sealed record JobView(JobRecord Record, string Message, PodState? Worker, BatchProgress? Batch = null);
