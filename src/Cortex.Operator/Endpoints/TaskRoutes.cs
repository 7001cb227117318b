using System.Buffers;
using Cortex.Core.Errors;
using Cortex.Core.Specs;
using Cortex.Jobs;
using Cortex.Jobs.Storing;
using Cortex.Jobs.Tasks;
using Cortex.Operator.State;
using Microsoft.AspNetCore.Http;

namespace Cortex.Operator.Endpoints;

/// <summary>Submits, shows and stops jobs of Task APIs.</summary>
internal sealed class TaskRoutes(IApiStore store, IJobStore jobs, TaskController tasks, ErrorAnswers errors, OperatorOptions options, TimeProvider time)
    : JobRoutes(ApiKind.TaskAPI, store, errors, options, time)
{
    /// <inheritdoc/>
    protected override async Task SubmitAsync(HttpContext context, string apiName)
    {
        var api = Find(apiName);
        var submission = TaskSubmission.Parse(await ReadBodyAsync(context));
        var job = await tasks.SubmitAsync(api.Spec, submission);
        await WriteAsync(context, JobJson.Task(job, submission.Config.Span));
    }

    /// <inheritdoc/>
    protected override async Task ShowAsync(HttpContext context, string apiName)
    {
        var jobId = JobId(context);
        var api = Find(apiName);
        if (Wait(context) is { } wait)
        {
            await tasks.WaitForEndAsync(jobId, wait, context.RequestAborted);
        }

        await WriteAsync(context, await DescribeAsync(api, jobId, context.RequestAborted));
    }

    /// <inheritdoc/>
    protected override Task StopAsync(string apiName, string jobId) => tasks.StopAsync(apiName, jobId);

    private async Task<string> DescribeAsync(WantedApi api, string jobId, CancellationToken cancellationToken)
    {
        var job = await tasks.FindAsync(api.Name, jobId, cancellationToken) ?? throw NotFound(api.Name, jobId);
        var spec = await jobs.GetSpecAsync(job.Record.ApiId, cancellationToken) ?? api.Spec;
        var config = await jobs.GetConfigAsync(jobId, cancellationToken);
        return Describe(api, jobId, spec, json => JobJson.TaskStatus(job, config).WriteTo(json));
    }

    private async Task<ReadOnlyMemory<byte>> ReadBodyAsync(HttpContext context)
    {
        var most = Options.Cluster.Jobs.MaxSubmissionSize;
        await using var source = OpenBody(context);
        var body = new ArrayBufferWriter<byte>();
        while (true)
        {
            var read = await source.ReadAsync(body.GetMemory(16 * 1024), context.RequestAborted);
            if (read == 0)
            {
                return body.WrittenMemory;
            }

            body.Advance(read);
            if (body.WrittenCount > most)
            {
                throw new CortexException("error", $"request body too large: a submission may have {most} bytes; raise jobs.max_submission_size in the cluster configuration for more");
            }
        }
    }
}
