using Cortex.Queues;
using Cortex.Routing;
using System.Text.Json.Serialization.Metadata;
using Cortex.Async;
using Cortex.Async.Endpoint;
using Cortex.Core.Errors;
using Cortex.Core.Specs;
using Cortex.Core.Wire;
using Cortex.Operator.Access;
using Cortex.Operator.Deploying;
using Cortex.Operator.Logs;
using Cortex.Operator.Reading;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;

namespace Cortex.Operator.Endpoints;

/// <summary>The operator's HTTP API: every route in one place.</summary>
internal sealed class OperatorRoutes(
    Deployer deployer, ApiReader reader, ClusterReader cluster, LogStreamer logs, TaskRoutes tasks, BatchRoutes batches, IDataPlane dataPlane, IQueueStore queues, OperatorMetrics metrics, OperatorOptions options)
{
    /// <summary>Adds the routes. Those under <paramref name="authenticated"/> ask for the token, those under <paramref name="local"/> only other machines.</summary>
    public void Map(IEndpointRouteBuilder open, IEndpointRouteBuilder local, IEndpointRouteBuilder authenticated)
    {
        open.MapGet("/verifycortex", (RequestDelegate)(context => WriteAsync(context, "{}")));
        open.MapGet("/openapi.json", (RequestDelegate)(context => WriteAsync(context, OpenApiDocument.Text)));
        local.MapGet("/metrics", (RequestDelegate)WriteMetricsAsync);

        open.MapMethods("/batch/{apiName}", ["GET", "POST", "DELETE"], (RequestDelegate)(context => batches.HandleAsync(context, ApiName(context))));
        open.MapMethods("/tasks/{apiName}", ["GET", "POST", "DELETE"], (RequestDelegate)(context => tasks.HandleAsync(context, ApiName(context))));

        authenticated.MapGet("/info", (RequestDelegate)(async context => await WriteAsync(context, await cluster.InfoAsync(Caller.Of(context), context.RequestAborted), WireJson.Contract.InfoResponse)));
        authenticated.MapPost("/deploy", (RequestDelegate)DeployAsync);
        authenticated.MapPost("/rollback/{apiName}", (RequestDelegate)(async context =>
            await WriteAsync(context, [await deployer.RollbackAsync(ApiName(context), context.Request.Query["apiID"].ToString(), Flag(context, "force"), context.RequestAborted)], WireJson.Contract.IReadOnlyListDeployResult)));
        authenticated.MapPost("/refresh/{apiName}", (RequestDelegate)(async context =>
            await WriteAsync(context, new MessageResponse(await deployer.RefreshAsync(ApiName(context), Flag(context, "force"), context.RequestAborted)), WireJson.Contract.MessageResponse)));
        authenticated.MapDelete("/delete/{apiName}", (RequestDelegate)(async context =>
            await WriteAsync(context, new MessageResponse(await deployer.DeleteAsync(ApiName(context), Flag(context, "keepCache"), context.RequestAborted)), WireJson.Contract.MessageResponse)));
        authenticated.MapGet("/get", (RequestDelegate)(async context => await WriteAsync(context, await reader.ListAsync(Caller.Of(context), context.RequestAborted))));
        authenticated.MapGet("/get/{apiName}", (RequestDelegate)(async context =>
            await WriteAsync(context, [await reader.GetAsync(ApiName(context), Flag(context, "showEnv"), Caller.Of(context), context.RequestAborted)])));
        authenticated.MapGet("/get/{apiName}/{apiID}", (RequestDelegate)(async context =>
            await WriteAsync(context, [await reader.GetAsync(ApiName(context), (string)context.Request.RouteValues["apiID"]!, Flag(context, "showEnv"), Caller.Of(context), context.RequestAborted)])));
        authenticated.MapGet("/describe/{apiName}", (RequestDelegate)(context => WriteAsync(context, [reader.Describe(ApiName(context), Caller.Of(context))])));
        authenticated.MapGet("/async/{apiName}", (RequestDelegate)ListRequestsAsync);
        authenticated.Map("/streamlogs/{apiName}", (RequestDelegate)(context => logs.StreamAsync(context, ApiName(context))));
        authenticated.MapGet("/logs/{apiName}", (RequestDelegate)(async context =>
        {
            var jobId = context.Request.Query["jobID"].ToString();
            await logs.CheckAsync(ApiName(context), jobId, context.RequestAborted);
            var url = $"{context.Request.Scheme}://{context.Request.Host}/streamlogs/{ApiName(context)}?allPods=true{(jobId.Length > 0 ? $"&jobID={jobId}" : "")}";
            await WriteAsync(context, new LogResponse(url), WireJson.Contract.LogResponse);
        }));
    }

    private async Task DeployAsync(HttpContext context)
    {
        var fileName = context.Request.Query["configFileName"].ToString();
        if (fileName.Length == 0)
        {
            throw new CortexException("endpoints.query_param_required", "the query parameter `configFileName` is missing; it is the name that error messages show for the configuration file");
        }

        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
        {
            // The multipart envelope needs some room besides the file.
            limit.MaxRequestBodySize = options.MaxConfigBytes + (64 * 1024);
        }

        if (!context.Request.HasFormContentType)
        {
            throw MissingConfig();
        }

        var form = await context.Request.ReadFormAsync(context.RequestAborted);
        var file = form.Files["config"];
        if (file is null || file.Length == 0)
        {
            throw MissingConfig();
        }

        if (file.Length > options.MaxConfigBytes)
        {
            throw new CortexException("endpoints.form_file_must_be_provided", $"{fileName} has {file.Length} bytes; a configuration file may have {options.MaxConfigBytes}");
        }

        using var text = new StreamReader(file.OpenReadStream());
        var results = await deployer.DeployAsync(fileName, await text.ReadToEndAsync(context.RequestAborted), Flag(context, "force"), context.RequestAborted);
        await WriteAsync(context, results, WireJson.Contract.IReadOnlyListDeployResult);
    }

    // Whoever has an id may read, cancel and put back its request, so that nobody else is told ids.
    private async Task ListRequestsAsync(HttpContext context)
    {
        var name = ApiName(context);
        reader.CheckKind(name, ApiKind.AsyncAPI);
        var query = context.Request.Query;
        ReadOnlyMemory<byte> page;
        try
        {
            page = await RequestList.ReadAsync(queues, name, new RequestQuery(query["status"].FirstOrDefault(), query["limit"].FirstOrDefault(), query["cursor"].FirstOrDefault()), context.RequestAborted);
        }
        catch (ArgumentException exception)
        {
            throw new CortexException("endpoints.invalid_query_param", exception.Message);
        }

        context.Response.ContentType = "application/json";
        await context.Response.BodyWriter.WriteAsync(page, context.RequestAborted);
    }

    private async Task WriteMetricsAsync(HttpContext context)
    {
        using var text = new StringWriter(System.Globalization.CultureInfo.InvariantCulture);
        dataPlane.WriteMetrics(text);
        options.WriteMoreMetrics(text);
        metrics.Write(text);
        context.Response.ContentType = "text/plain; version=0.0.4; charset=utf-8";
        await context.Response.WriteAsync(text.ToString(), context.RequestAborted);
    }

    private static CortexException MissingConfig() => new(
        "endpoints.form_file_must_be_provided", "send the configuration as a multipart form with a non-empty file part named `config`");

    private static string ApiName(HttpContext context) => (string)context.Request.RouteValues["apiName"]!;

    private static bool Flag(HttpContext context, string name) => QueryFlag.Read(context.Request.Query, name, otherwise: false);

    private static Task WriteAsync(HttpContext context, IReadOnlyList<ApiResponse> apis) => WriteAsync(context, apis, WireJson.Contract.IReadOnlyListApiResponse);

    private static Task WriteAsync<T>(HttpContext context, T value, JsonTypeInfo<T> type) =>
        context.Response.WriteAsJsonAsync(value, type, contentType: "application/json", context.RequestAborted);

    private static Task WriteAsync(HttpContext context, string json)
    {
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(json, context.RequestAborted);
    }
}
