using System.Text.Json;
using Cortex.Core.Errors;
using Cortex.Core.Wire;
using Cortex.Operator.Deploying;
using Cortex.Queues;
using Cortex.Runtimes;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace Cortex.Operator.Endpoints;

/// <summary>Turns what went wrong into the contract's error body.</summary>
internal sealed partial class ErrorAnswers(ILogger<ErrorAnswers> logger)
{
    /// <summary>Runs the rest of the pipeline and answers for it when it fails.</summary>
    public async Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        try
        {
            await next(context);
        }
        catch (Exception exception) when (exception is ConnectionResetException or ConnectionAbortedException
            || (exception is OperationCanceledException or IOException && context.RequestAborted.IsCancellationRequested))
        {
            // Nobody is left to answer, and what a client does is no error of ours.
        }
        catch (Exception exception) when (!context.Response.HasStarted)
        {
            var (status, error) = Answer(exception);
            if (status >= StatusCodes.Status500InternalServerError)
            {
                LogFailed(exception, context.Request.Method, context.Request.Path);
            }

            await WriteAsync(context, status, error);
        }
    }

    /// <summary>Writes one error; the body ends with a line feed, as the contract has it.</summary>
    public static async Task WriteAsync(HttpContext context, int status, ErrorResponse error)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(JsonSerializer.Serialize(error, WireJson.Contract.ErrorResponse) + "\n", context.RequestAborted);
    }

    /// <summary>Says that there is no such route, as the contract has it.</summary>
    public static Task WriteNotFoundAsync(HttpContext context)
    {
        context.Response.StatusCode = StatusCodes.Status404NotFound;
        context.Response.ContentType = "text/plain; charset=utf-8";
        return context.Response.WriteAsync("404 page not found\n", context.RequestAborted);
    }

    private static (int Status, ErrorResponse Error) Answer(Exception exception) => exception switch
    {
        InvalidConfigurationException invalid => (StatusCodes.Status400BadRequest, new ErrorResponse(invalid.Errors[0].Kind, invalid.Message)
        {
            Errors = [.. invalid.Errors.Select(error => new ErrorPlace(error.Kind, error.Line, error.Column, error.Api, error.Path, error.ToString()))],
        }),
        CortexException known => (StatusCodes.Status400BadRequest, new ErrorResponse(known.Kind, known.Message)),
        BadHttpRequestException bad => (bad.StatusCode, new ErrorResponse("error", bad.Message)),
        InvalidDataException bad => (StatusCodes.Status400BadRequest, new ErrorResponse("error", bad.Message)),
        RuntimeUnavailableException unavailable => (StatusCodes.Status503ServiceUnavailable, new ErrorResponse("docker.connect_to_docker_daemon", unavailable.Message)),
        StoreUnavailableException or StoreBusyException or StaleEpochException => (StatusCodes.Status503ServiceUnavailable, new ErrorResponse("error", exception.Message)),
        StoreFullException => (StatusCodes.Status507InsufficientStorage, new ErrorResponse("error", exception.Message)),
        SqliteException { SqliteErrorCode: 13 } => (StatusCodes.Status507InsufficientStorage, new ErrorResponse("error", "the disk that holds the cluster's state is full, and nothing was changed; free some space and try again")),
        _ => (StatusCodes.Status500InternalServerError, new ErrorResponse("errors.unexpected", $"{exception.GetType().Name}: {exception.Message}; the server's log has the details")),
    };

    [LoggerMessage(3501, LogLevel.Error, "{Method} {Path} failed.")]
    private partial void LogFailed(Exception exception, string method, string path);
}
