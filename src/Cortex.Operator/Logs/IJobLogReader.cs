using Cortex.Core.Errors;
using Cortex.Runtimes;

namespace Cortex.Operator.Logs;

/// <summary>Reads what jobs of one kind write.</summary>
internal interface IJobLogReader
{
    /// <summary>Refuses a job that is not known.</summary>
    /// <exception cref="CortexException"><c>job.not_found</c>.</exception>
    Task CheckAsync(string apiName, string jobId, CancellationToken cancellationToken);

    /// <summary>The lines, each with the pod that wrote it; a line without a container is ours.</summary>
    /// <param name="apiName">The API.</param>
    /// <param name="jobId">The job.</param>
    /// <param name="query">Which lines.</param>
    /// <param name="allPods">Whether every worker is wanted, or only the first.</param>
    /// <param name="cancellationToken">Ends it.</param>
    IAsyncEnumerable<(string Pod, LogLine Line)> ReadAsync(string apiName, string jobId, LogQuery query, bool allPods, CancellationToken cancellationToken);
}
