using System.Globalization;
using Cortex.Core.Errors;
using Cortex.Core.Specs;
using Cortex.Core.Wire;
using Cortex.Jobs;
using Cortex.Jobs.Batch;
using Cortex.Jobs.Batch.Submissions;
using Cortex.Jobs.Storing;
using Cortex.Operator.State;
using Microsoft.AspNetCore.Http;

namespace Cortex.Operator.Endpoints;

/// <summary>Submits, shows and stops jobs of Batch APIs, and shows and tries again the batches that they gave up.</summary>
internal sealed class BatchRoutes(IApiStore store, IJobStore jobs, BatchController batches, ErrorAnswers errors, OperatorOptions options, TimeProvider time)
    : JobRoutes(ApiKind.BatchAPI, store, errors, options, time)
{
    private const int DefaultPage = 100;
    private const int MostOnAPage = 1000;

    /// <inheritdoc/>
    protected override async Task SubmitAsync(HttpContext context, string apiName)
    {
        var api = Find(apiName);
        if (QueryFlag.Read(context.Request.Query, "retryDeadLetters", otherwise: false))
        {
            var again = await batches.RetryDeadLettersAsync(api.Spec, JobId(context), Number(context, "workers", 1, Options.Cluster.Jobs.MaxWorkers), context.RequestAborted);
            await AnswerAsync(context, again);
        }
        else if (QueryFlag.Read(context.Request.Query, "dryRun", otherwise: false))
        {
            await DryRunAsync(context);
        }
        else
        {
            await AnswerAsync(context, await SubmitAsync(context, api.Spec));
        }
    }

    /// <inheritdoc/>
    protected override async Task ShowAsync(HttpContext context, string apiName)
    {
        var jobId = JobId(context);
        var api = Find(apiName);
        if (QueryFlag.Read(context.Request.Query, "deadLetters", otherwise: false))
        {
            var cursor = context.Request.Query["cursor"].ToString();
            var limit = Number(context, "limit", 1, MostOnAPage) ?? DefaultPage;
            await WriteAsync(context, BatchStatusJson.DeadLetters(await batches.DeadLettersAsync(api.Name, jobId, limit, cursor.Length > 0 ? cursor : null, context.RequestAborted)));
            return;
        }

        if (Wait(context) is { } wait)
        {
            await batches.WaitForEndAsync(jobId, wait, context.RequestAborted);
        }

        await WriteAsync(context, await DescribeAsync(api, jobId, context.RequestAborted));
    }

    /// <inheritdoc/>
    protected override Task StopAsync(string apiName, string jobId) => batches.StopAsync(apiName, jobId);

    private async Task<JobRecord> SubmitAsync(HttpContext context, DeployedSpec api)
    {
        await using var body = OpenBody(context);
        return BatchSubmissionReader.IsStreamed(context.Request.ContentType)
            ? await batches.SubmitAsync(api, batches.Submissions.ReadQuery(Query(context)), body, context.RequestAborted)
            : await batches.SubmitAsync(api, await batches.Submissions.ReadAsync(body, context.RequestAborted), context.RequestAborted);
    }

    // What is no submission at all is answered as everywhere; what breaks a rule is answered as text, as the contract has it.
    private async Task DryRunAsync(HttpContext context)
    {
        await using var body = OpenBody(context);
        var isStreamed = BatchSubmissionReader.IsStreamed(context.Request.ContentType);
        var read = isStreamed ? null : await batches.Submissions.ParseAsync(body, context.RequestAborted);
        context.Response.ContentType = "text/plain";
        try
        {
            var settings = read is null ? batches.Submissions.ReadQuery(Query(context)) : batches.Submissions.Check(read).Settings;
            await foreach (var path in batches.DryRunAsync(settings, isStreamed ? body : null, context.RequestAborted))
            {
                await context.Response.WriteAsync(path + "\n", context.RequestAborted);
            }

            await context.Response.WriteAsync("validations passed", context.RequestAborted);
        }
        catch (CortexException exception)
        {
            if (!context.Response.HasStarted)
            {
                context.Response.StatusCode = StatusCodes.Status400BadRequest;
            }

            await context.Response.WriteAsync($"\n{exception.Message}\n", context.RequestAborted);
        }
    }

    private async Task AnswerAsync(HttpContext context, JobRecord job) => await WriteAsync(context, BatchJson.Job(job, await jobs.GetConfigAsync(job.Id, context.RequestAborted)));

    private async Task<string> DescribeAsync(WantedApi api, string jobId, CancellationToken cancellationToken)
    {
        var job = await batches.FindAsync(api.Name, jobId, cancellationToken) ?? throw NotFound(api.Name, jobId);
        var spec = await jobs.GetSpecAsync(job.Record.ApiId, cancellationToken) ?? api.Spec;
        var config = await jobs.GetConfigAsync(jobId, cancellationToken);
        return Describe(api, jobId, spec, json =>
        {
            BatchStatusJson.Status(job, config).WriteTo(json);
            BatchStatusJson.WriteMetrics(json, "metrics", job.Batch ?? new BatchProgress());
        });
    }

    private static IEnumerable<KeyValuePair<string, string>> Query(HttpContext context) =>
        context.Request.Query.SelectMany(parameter => parameter.Value.Select(value => KeyValuePair.Create(parameter.Key, value ?? "")));

    private static int? Number(HttpContext context, string name, int least, int most)
    {
        var text = context.Request.Query[name].ToString();
        return text.Length == 0 ? null
            : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most ? number
            : throw new CortexException("error", $"the query parameter `{name}` must be a number from {least} to {most}, not `{text}`");
    }
}
