using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Cortex.Core.Errors;
using Cortex.Jobs;
using Cortex.Jobs.Batch;
using Cortex.Runtimes;

namespace Cortex.Operator.Logs;

/// <summary>Reads what the workers of a batch job write, side by side: from their pods while there are such, else what was kept.</summary>
internal sealed class BatchLogReader(BatchController batches, IContainerRuntime runtime, TimeProvider time) : IJobLogReader
{
    private const int BufferedLines = 1000;
    private static readonly TimeSpan _lookAgain = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _settle = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(50);

    /// <inheritdoc/>
    public async Task CheckAsync(string apiName, string jobId, CancellationToken cancellationToken)
    {
        if (await batches.FindAsync(apiName, jobId, cancellationToken) is null)
        {
            throw new CortexException("job.not_found", $"{apiName} has no job {jobId}; `cortex get {apiName}` lists its jobs");
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<(string Pod, LogLine Line)> ReadAsync(
        string apiName, string jobId, LogQuery query, bool allPods, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var lines = Channel.CreateBounded<(string, LogLine)>(BufferedLines);
        var reading = ReadAsync(apiName, jobId, query, allPods, lines.Writer, stop.Token);
        try
        {
            await foreach (var line in lines.Reader.ReadAllAsync(cancellationToken))
            {
                yield return line;
            }
        }
        finally
        {
            await stop.CancelAsync();
            await reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // Follows the workers that there are, and those that come while the client listens.
    private async Task ReadAsync(string apiName, string jobId, LogQuery query, bool allPods, ChannelWriter<(string, LogLine)> lines, CancellationToken cancellationToken)
    {
        var workers = new Dictionary<int, Task>();
        var told = "";
        Exception? failure = null;
        try
        {
            while (await batches.FindAsync(apiName, jobId, cancellationToken) is { } view)
            {
                if (view.Record.Status.IsFinal())
                {
                    await SettleAsync(view.Record, cancellationToken);
                }

                Begin(view.Record, workers, query, allPods, lines, cancellationToken);
                if (workers.Values.FirstOrDefault(worker => worker.IsFaulted) is { } broken)
                {
                    await broken;
                }

                if (!query.Follow || view.Record.Status.IsFinal() || (!allPods && workers.Values.Any(worker => worker.IsCompleted)))
                {
                    break;
                }

                if (workers.Count == 0 && (told.Length == 0 || told != view.Message))
                {
                    told = view.Message.Length > 0 ? view.Message : " ";
                    await lines.WriteAsync((jobId, new LogLine("", view.Record.CreatedAt, view.Message.Length > 0 ? $"waiting for pod to initialize ... ({view.Message})" : "waiting for pod to initialize ...", false)), cancellationToken);
                }

                await batches.WaitForEndAsync(jobId, _lookAgain, cancellationToken);
            }

            await Task.WhenAll(workers.Values);
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAll(workers.Values).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        catch (Exception exception)
        {
            failure = exception;
        }
        finally
        {
            lines.TryComplete(failure);
        }
    }

    // The workers of a job that has ended a moment ago are being ended, and what they wrote is on its way to where it is kept.
    private async Task SettleAsync(JobRecord job, CancellationToken cancellationToken)
    {
        var since = time.GetTimestamp();
        while ((batches.Pods(job).Count > 0 || batches.Logs.IsKeeping(job.ApiName, job.Id)) && time.GetElapsedTime(since) < _settle)
        {
            await Task.Delay(_pause, time, cancellationToken);
        }
    }

    private void Begin(JobRecord job, Dictionary<int, Task> workers, LogQuery query, bool allPods, ChannelWriter<(string, LogLine)> lines, CancellationToken cancellationToken)
    {
        // Pods first: what is kept of a pod that was seen here is not read again.
        foreach (var pod in batches.Pods(job).Where(pod => pod.Containers.Any(container => container.Running || container.ExitCode is not null)))
        {
            var number = BatchController.LogNumber(job, pod);
            if (!workers.ContainsKey(number) && (allPods || workers.Count == 0))
            {
                workers[number] = CopyAsync(pod.Id, runtime.ReadLogsAsync(pod.Id, query, cancellationToken), lines, cancellationToken);
            }
        }

        foreach (var number in batches.Logs.Kept(job.ApiName, job.Id))
        {
            if (!workers.ContainsKey(number) && (allPods || workers.Count == 0))
            {
                workers[number] = CopyAsync(BatchWorkers.PodId(job, number), LastLines.OfAsync(batches.Logs.ReadAsync(job.ApiName, job.Id, number, cancellationToken), query.Tail), lines, cancellationToken);
            }
        }
    }

    private static async Task CopyAsync(string pod, IAsyncEnumerable<LogLine> from, ChannelWriter<(string, LogLine)> lines, CancellationToken cancellationToken)
    {
        await foreach (var line in from.WithCancellation(cancellationToken))
        {
            await lines.WriteAsync((pod, line), cancellationToken);
        }
    }
}
