using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Cortex.Core.Errors;
using Cortex.Core.Specs;
using Cortex.Core.Units;
using Cortex.Core.Wire;
using Cortex.Gateway.Routing;
using Cortex.Operator.Reconciling;
using Cortex.Operator.State;
using Cortex.Routing;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace Cortex.Operator.Endpoints;

/// <summary>Submits, shows and stops jobs of APIs of one kind, on the operator and on each API's endpoint.</summary>
internal abstract class JobRoutes(ApiKind kind, IApiStore store, ErrorAnswers errors, OperatorOptions options, TimeProvider time) : IJobEndpoints
{
    private static readonly TimeSpan _maxWait = TimeSpan.FromMinutes(5);

    /// <summary>The cluster.</summary>
    protected OperatorOptions Options { get; } = options;

    /// <inheritdoc/>
    public JobRoute? RouteOf(DeployedSpec api) => api.Kind == kind ? new JobRoute(api.Name, kind.ToString(), api.Networking.Endpoint) : null;

    /// <inheritdoc/>
    public IEndpointHandler? HandlerOf(JobRoute route) => route.Kind == kind.ToString() ? new Endpoint(this, route.Name) : null;

    /// <summary>Answers one request about the jobs of an API.</summary>
    public Task HandleAsync(HttpContext context, string apiName) => context.Request.Method switch
    {
        "POST" => SubmitAsync(context, apiName),
        "GET" or "HEAD" => ShowAsync(context, apiName),
        _ => StopAsync(context, apiName),
    };

    /// <summary>Answers a submission.</summary>
    protected abstract Task SubmitAsync(HttpContext context, string apiName);

    /// <summary>Answers a question about a job.</summary>
    protected abstract Task ShowAsync(HttpContext context, string apiName);

    /// <summary>Decides to end a job that has not ended.</summary>
    protected abstract Task StopAsync(string apiName, string jobId);

    /// <summary>A deployed API of this kind.</summary>
    /// <exception cref="CortexException">There is none of that name, or it is of another kind.</exception>
    protected WantedApi Find(string apiName)
    {
        var api = store.Find(apiName);
        return api.Spec.Kind == kind ? api
            : throw new CortexException("resources.operation_is_only_supported_for_kind", $"{apiName} is a {api.Spec.Kind}; this operation is only for a {kind}");
    }

    protected static string JobId(HttpContext context)
    {
        var jobId = context.Request.Query["jobID"].ToString();
        return jobId.Length > 0 ? jobId : throw new CortexException("endpoints.query_param_required", "the query parameter `jobID` is missing; it is the id that the submission answered");
    }

    protected static CortexException NotFound(string apiName, string jobId) =>
        new("job.not_found", $"{apiName} has no job {jobId}; `cortex get {apiName}` lists its jobs");

    /// <summary>How long to wait for the end of the job, in seconds or as a duration such as 30s; null for not at all. Ours.</summary>
    protected static TimeSpan? Wait(HttpContext context)
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

    /// <summary>The body, without the web server's bounds of size and rate: those who read it have bounds of their own, and say by what.</summary>
    protected Stream OpenBody(HttpContext context)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
        {
            limit.MaxRequestBodySize = null;
        }

        if (context.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } rate)
        {
            rate.MinDataRate = null;
        }

        return new ImpatientBody(context.Request.Body, Options.Cluster.Jobs.UploadIdleTimeout, time);
    }

    protected static Task WriteAsync(HttpContext context, string json)
    {
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(json, context.RequestAborted);
    }

    private async Task StopAsync(HttpContext context, string apiName)
    {
        var jobId = JobId(context);
        await StopAsync(Find(apiName).Name, jobId);
        await WriteAsync(context, JsonSerializer.Serialize(new MessageResponse($"stopped job {jobId}"), WireJson.Contract.MessageResponse));
    }

    private Task HandleGuardedAsync(HttpContext context, string apiName) => errors.InvokeAsync(context, guarded => HandleAsync(guarded, apiName));

    /// <summary>One API's endpoint. Two of the same API are the same, so that nothing is published twice.</summary>
    private sealed record Endpoint(JobRoutes Routes, string ApiName) : IEndpointHandler
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

    /// <summary>The answer about one job.</summary>
    /// <param name="api">Its API.</param>
    /// <param name="jobId">The job.</param>
    /// <param name="spec">The version that it was submitted to.</param>
    /// <param name="writeStatus">Writes the value of <c>job_status</c>, and what else belongs to the kind behind it.</param>
    protected string Describe(WantedApi api, string jobId, DeployedSpec spec, Action<Utf8JsonWriter> writeStatus)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = GoJsonEncoder.Instance }))
        {
            json.WriteStartObject();
            json.WritePropertyName("api_spec");

            // Whoever reaches the APIs asks here, containers of other APIs among them.
            JsonSerializer.Serialize(json, EnvMask.Hide(spec), WireJson.Contract.DeployedSpec);
            json.WritePropertyName("job_status");
            writeStatus(json);
            json.WriteString("endpoint", $"{Options.ApiBaseUrl}{api.Spec.Networking.Endpoint}?jobID={jobId}");
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}
