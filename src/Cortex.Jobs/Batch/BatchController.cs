using Cortex.Core.Errors;
using Cortex.Core.Identifiers;
using Cortex.Core.Wire;
using Cortex.Jobs.Batch.Submissions;
using Cortex.Jobs.Tasks;
using Cortex.Queues;
using Cortex.Runtimes;
using Microsoft.Extensions.Logging;

namespace Cortex.Jobs.Batch;

/// <summary>Runs the jobs of Batch APIs: puts their items into queues, starts their workers, gives them batches, and keeps what they leave.</summary>
public sealed class BatchController : IDisposable
{
    /// <summary>Reads the jobs that have not ended; nothing runs yet.</summary>
    /// <param name="store">Every job.</param>
    /// <param name="queues">Where batches and submitted items are; started and disposed of by the caller.</param>
    /// <param name="runtime">Runs the workers; started before <see cref="RunAsync"/>.</param>
    /// <param name="options">Bounds.</param>
    /// <param name="host">What the cluster knows of APIs.</param>
    /// <param name="ids">Makes job ids, below <see cref="JobStore.NewestId"/>; the same one for every kind of job.</param>
    /// <param name="time">The clock.</param>
    /// <param name="loggers">Makes its loggers.</param>
    public BatchController(
        JobStore store, IQueueStore queues, IContainerRuntime runtime, BatchOptions options, TaskHost host, TimeIdGenerator ids, TimeProvider time, ILoggerFactory loggers) =>
        throw new NotImplementedException();

    /// <summary>What workers have written, once they are gone: for each worker that is kept one number, see <see cref="JobLogs.Kept"/>.</summary>
    public JobLogs Logs { get; } = null!;

    /// <summary>Reads and checks submissions by the cluster's bounds and sources.</summary>
    public BatchSubmissionReader Submissions { get; } = null!;

    /// <summary>Makes the loop look at everything soon.</summary>
    public void Wake() => throw new NotImplementedException();

    /// <summary>Accepts a job that was read by <see cref="Submissions"/>. Once this returns, it is run whatever happens to this process.</summary>
    /// <param name="api">The version that it runs.</param>
    /// <param name="submission">What was asked for; whether there are files (rule 15) is checked here.</param>
    /// <param name="cancellationToken">Gives up before it is accepted.</param>
    /// <exception cref="CortexException">There are no files, or too many jobs have not ended.</exception>
    public Task<JobRecord> SubmitAsync(DeployedSpec api, BatchSubmission submission, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>As <see cref="SubmitAsync(DeployedSpec, BatchSubmission, CancellationToken)"/>, with items that come as JSON values one after the other, however many.</summary>
    /// <param name="api">The version that it runs.</param>
    /// <param name="settings">From <see cref="BatchSubmissionReader.ReadQuery"/>.</param>
    /// <param name="items">The items; stays its owner's.</param>
    /// <param name="cancellationToken">Gives up before it is accepted.</param>
    /// <exception cref="CortexException">An item is not valid, or too many jobs have not ended.</exception>
    public Task<JobRecord> SubmitAsync(DeployedSpec api, BatchSettings settings, Stream items, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Checks what a submission checks beyond its text, and stores nothing. Returns the names of its files; none for submitted items.</summary>
    /// <param name="settings">What was asked for.</param>
    /// <param name="items">Items that come with it as a stream; null otherwise.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="CortexException">Thrown by the first step, when there are no files or an item is not valid, or later when files can't be listed.</exception>
    public IAsyncEnumerable<string> DryRunAsync(BatchSettings settings, Stream? items, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Decides to end a job. Its workers get SIGTERM soon, and SIGKILL after the grace.</summary>
    /// <exception cref="CortexException">There is no such job, or it has ended.</exception>
    public Task StopAsync(string apiName, string jobId) => throw new NotImplementedException();

    /// <summary>Ends every job of an API that was deleted.</summary>
    /// <param name="apiName">The API.</param>
    /// <param name="keepHistory">Whether its jobs are kept.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public Task DeleteApiAsync(string apiName, bool keepHistory, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>A job of an API, or null. Its <see cref="JobView.Batch"/> is set.</summary>
    public JobView? Find(string apiName, string jobId) => throw new NotImplementedException();

    /// <summary>The jobs of an API that have not ended, and ended ones until there are <paramref name="count"/>, newest first.</summary>
    public IReadOnlyList<JobView> List(string apiName, int count) => throw new NotImplementedException();

    /// <summary>A job's configuration as JSON.</summary>
    public byte[] Config(string jobId) => throw new NotImplementedException();

    /// <summary>The version of the API that a job runs.</summary>
    public DeployedSpec? Spec(string apiId) => throw new NotImplementedException();

    /// <summary>Returns when the job has ended, or when the time is up.</summary>
    public Task WaitForEndAsync(string jobId, TimeSpan timeout, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>The workers of a job that exist now, by place.</summary>
    public IReadOnlyList<PodStatus> Pods(JobRecord job) => throw new NotImplementedException();

    /// <summary>Whether a pod belongs to a batch job, and so to nobody else.</summary>
    public static bool Owns(PodStatus pod) => throw new NotImplementedException();

    /// <summary>Lists batches that a job gave up.</summary>
    /// <param name="apiName">The API.</param>
    /// <param name="jobId">The job, ended or not.</param>
    /// <param name="limit">At most so many; 1 to 1000.</param>
    /// <param name="cursor">An earlier page's <see cref="DeadLetterPage.Next"/>; null for the first page.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="CortexException">There is no such job, or the cursor is none.</exception>
    public Task<DeadLetterPage> DeadLettersAsync(string apiName, string jobId, int limit, string? cursor, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Puts the batches that an ended job gave up into a new job with the same settings; they stay with the old one.</summary>
    /// <param name="api">The version that the new job runs.</param>
    /// <param name="jobId">The old job.</param>
    /// <param name="workers">Workers of the new job; null for as many as the old one had.</param>
    /// <param name="cancellationToken">Gives up before it is accepted.</param>
    /// <exception cref="CortexException">There is no such job, it has not ended, or it gave up no batch.</exception>
    public Task<JobRecord> RetryDeadLettersAsync(DeployedSpec api, string jobId, int? workers, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Writes the metrics of batch jobs in the Prometheus text format.</summary>
    public void WriteMetrics(TextWriter writer) => throw new NotImplementedException();

    /// <summary>Runs until cancelled. Workers go on running.</summary>
    public Task RunAsync(CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <inheritdoc/>
    public void Dispose() => throw new NotImplementedException();
}
