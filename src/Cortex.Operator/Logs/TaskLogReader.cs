using System.Runtime.CompilerServices;
using Cortex.Core.Errors;
using Cortex.Jobs;
using Cortex.Jobs.Tasks;
using Cortex.Runtimes;

namespace Cortex.Operator.Logs;

/// <summary>Reads what a task job writes, attempt after attempt: from its pod while there is one, else what was kept.</summary>
internal sealed class TaskLogReader(TaskController tasks, IContainerRuntime runtime, TimeProvider time) : IJobLogReader
{
    private static readonly TimeSpan _lookAgain = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _settle = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(50);

    /// <inheritdoc/>
    public async Task CheckAsync(string apiName, string jobId, CancellationToken cancellationToken)
    {
        if (await tasks.FindAsync(apiName, jobId, cancellationToken) is null)
        {
            throw new CortexException("job.not_found", $"{apiName} has no job {jobId}; `cortex get {apiName}` lists its jobs");
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<(string Pod, LogLine Line)> ReadAsync(
        string apiName, string jobId, LogQuery query, bool allPods, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var told = "";
        for (var attempt = 1; await tasks.FindAsync(apiName, jobId, cancellationToken) is { } view; )
        {
            var job = view.Record;
            var pod = job.Attempt == attempt && !job.Status.IsFinal() ? tasks.Pod(job) : null;
            var podId = TaskController.PodId(job with { Attempt = attempt });
            if (pod is not null && pod.Containers.Any(container => container.Running || container.ExitCode is not null))
            {
                await foreach (var line in runtime.ReadLogsAsync(pod.Id, query, cancellationToken))
                {
                    yield return (podId, line);
                }
            }
            else if (job.Attempt > attempt || job.Status.IsFinal())
            {
                await foreach (var line in LastLines.OfAsync(KeptAsync(job, attempt, cancellationToken), query.Tail))
                {
                    yield return (podId, line);
                }
            }
            else
            {
                if (!query.Follow)
                {
                    yield break;
                }

                if (told != view.Message || told.Length == 0)
                {
                    told = view.Message.Length > 0 ? view.Message : " ";
                    yield return (podId, new LogLine("", job.CreatedAt, view.Message.Length > 0 ? $"waiting for pod to initialize ... ({view.Message})" : "waiting for pod to initialize ...", false));
                }

                await tasks.WaitForEndAsync(jobId, _lookAgain, cancellationToken);
                continue;
            }

            // Whether another attempt follows shows when this one is over.
            while (query.Follow && await tasks.FindAsync(apiName, jobId, cancellationToken) is { } after && after.Record.Attempt == attempt && !after.Record.Status.IsFinal())
            {
                await tasks.WaitForEndAsync(jobId, _lookAgain, cancellationToken);
            }

            attempt++;
            if (await tasks.FindAsync(apiName, jobId, cancellationToken) is not { } now || now.Record.Attempt < attempt)
            {
                yield break;
            }
        }
    }

    // A job that has ended a moment ago still has its pod, and its logs are on their way to where they are kept. They are not read
    // from the pod: it may go in the middle.
    private async IAsyncEnumerable<LogLine> KeptAsync(JobRecord job, int attempt, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var since = time.GetTimestamp();
        while (!tasks.Logs.Has(job.ApiName, job.Id, attempt) && tasks.Pod(job with { Attempt = attempt }) is not null && time.GetElapsedTime(since) < _settle)
        {
            await Task.Delay(_pause, time, cancellationToken);
        }

        await foreach (var line in tasks.Logs.ReadAsync(job.ApiName, job.Id, attempt, cancellationToken))
        {
            yield return line;
        }
    }
}
