using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Cortex.Core.Errors;
using Cortex.Core.Specs;
using Cortex.Core.Units;
using Cortex.Core.Wire;
using Cortex.Gateway.Routing;
using Cortex.Jobs;
using Cortex.Jobs.Tasks;
using Cortex.Operator.Reconciling;
using Cortex.Operator.State;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Cortex.Operator.Endpoints;

/// <summary>Submits, shows and stops jobs of Task APIs, on the operator and on each API's endpoint.</summary>
internal sealed class TaskRoutes(ApiStore store, TaskController tasks, ErrorAnswers errors, OperatorOptions options) : IJobEndpoints
{
    private static readonly TimeSpan _maxWait = TimeSpan.FromMinutes(5);

    /// <inheritdoc/>
    public HandlerRoute? RouteOf(DeployedSpec api) => api.Kind == ApiKind.TaskAPI
        ? new HandlerRoute(api.Name, nameof(ApiKind.TaskAPI), api.Networking.Endpoint, new Endpoint(this, api.Name))
        : null;

    /// <summary>Answers one request about the jobs of an API.</summary>
    public Task HandleAsync(HttpContext context, string apiName) => context.Request.Method switch
    {
        "POST" => SubmitAsync(context, apiName),
        "GET" or "HEAD" => ShowAsync(context, apiName),
        _ => StopAsync(context, apiName),
    };

    private Task HandleGuardedAsync(HttpContext context, string apiName) => errors.InvokeAsync(context, guarded => HandleAsync(guarded, apiName));

    private async Task SubmitAsync(HttpContext context, string apiName)
    {
        var api = Find(apiName);
        var submission = TaskSubmission.Parse(await ReadBodyAsync(context));
        var job = await tasks.SubmitAsync(api.Spec, submission);
        await WriteAsync(context, JobJson.Task(job, submission.Config.Span));
    }

    private async Task ShowAsync(HttpContext context, string apiName)
    {
        var jobId = JobId(context);
        var api = Find(apiName);
        if (Wait(context) is { } wait)
        {
            await tasks.WaitForEndAsync(jobId, wait, context.RequestAborted);
        }

        var answer = await Task.Run(() => Describe(api, jobId), context.RequestAborted);
        await WriteAsync(context, answer);
    }

    private async Task StopAsync(HttpContext context, string apiName)
    {
        var jobId = JobId(context);
        var api = Find(apiName);
        await tasks.StopAsync(api.Name, jobId);
        await WriteAsync(context, JsonSerializer.Serialize(new MessageResponse($"stopped job {jobId}"), WireJson.Contract.MessageResponse));
    }

    private string Describe(WantedApi api, string jobId)
    {
        var job = tasks.Find(api.Name, jobId) ?? throw new CortexException("job.not_found", $"{api.Name} has no job {jobId}; `cortex get {api.Name}` lists its jobs");
        var spec = tasks.Spec(job.Record.ApiId) ?? api.Spec;
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = WireJson.Contract.Options.Encoder }))
        {
            json.WriteStartObject();
            json.WritePropertyName("api_spec");
            JsonSerializer.Serialize(json, spec, WireJson.Contract.DeployedSpec);
            json.WritePropertyName("job_status");
            JobJson.TaskStatus(job, tasks.Config(jobId)).WriteTo(json);
            json.WriteString("endpoint", $"{options.ApiBaseUrl}{api.Spec.Networking.Endpoint}?jobID={jobId}");
            json.WriteEndObject();
        }

        return System.Text.Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private WantedApi Find(string apiName)
    {
        var api = store.Find(apiName);
        return api.Spec.Kind == ApiKind.TaskAPI ? api
            : throw new CortexException("resources.operation_is_only_supported_for_kind", $"{apiName} is a {api.Spec.Kind}; this operation is only for a TaskAPI");
    }

    private static string JobId(HttpContext context)
    {
        var jobId = context.Request.Query["jobID"].ToString();
        return jobId.Length > 0 ? jobId : throw new CortexException("endpoints.query_param_required", "the query parameter `jobID` is missing; it is the id that the submission answered");
    }

    // Ours: waits for the end of the job, in seconds or as a duration such as 30s.
    private static TimeSpan? Wait(HttpContext context)
    {
        var text = context.Request.Query["wait"].ToString();
        if (text.Length == 0)
        {
            return null;
        }

        TimeSpan wait;
        if (double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds) && seconds <= TimeSpan.MaxValue.TotalSeconds / 2)
        {
            wait = TimeSpan.FromSeconds(seconds);
        }
        else if (!GoDuration.TryParse(text, out wait) || wait < TimeSpan.Zero)
        {
            throw new CortexException("error", $"the query parameter `wait` must be a duration such as 30s, not `{text}`");
        }

        return wait < _maxWait ? wait : _maxWait;
    }

    private async Task<ReadOnlyMemory<byte>> ReadBodyAsync(HttpContext context)
    {
        var most = options.Cluster.Jobs.MaxSubmissionSize;
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
        {
            // Bounded below, where the error can say by what.
            limit.MaxRequestBodySize = null;
        }

        var body = new ArrayBufferWriter<byte>();
        while (true)
        {
            var read = await context.Request.Body.ReadAsync(body.GetMemory(16 * 1024), context.RequestAborted);
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

    private static Task WriteAsync(HttpContext context, string json)
    {
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(json, context.RequestAborted);
    }

    /// <summary>One API's endpoint. Two of the same API are the same, so that nothing is published twice.</summary>
    private sealed record Endpoint(TaskRoutes Routes, string ApiName) : IEndpointHandler
    {
        public Task HandleAsync(HttpContext http, string target, int start, int end)
        {
            var rest = target.AsSpan(start, end - start);
            if (rest is not ("" or "/"))
            {
                http.Response.StatusCode = StatusCodes.Status404NotFound;
                return Task.CompletedTask;
            }

            if (http.Request.Method is not ("GET" or "HEAD" or "POST" or "DELETE"))
            {
                http.Response.StatusCode = StatusCodes.Status405MethodNotAllowed;
                http.Response.Headers.Allow = "GET, POST, DELETE";
                return Task.CompletedTask;
            }

            return Routes.HandleGuardedAsync(http, ApiName);
        }
    }
}
