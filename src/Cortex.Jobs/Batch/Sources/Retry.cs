using System.Net;
using Amazon.Runtime;
using Cortex.Background;
using Cortex.Core.Errors;

namespace Cortex.Jobs.Batch.Sources;

/// <summary>Tries again what may work the next time, with growing pauses, a bounded number of times.</summary>
internal sealed class Retry(SourceOptions options, TimeProvider time)
{
    /// <summary>Whether trying again can help.</summary>
    public static bool IsTransient(Exception exception) => exception switch
    {
        CortexException => false,
        HttpRequestException { StatusCode: { } status } => IsTransient(status),
        AmazonServiceException service when (int)service.StatusCode is >= 300 and < 600 => IsTransient(service.StatusCode) || service.ErrorCode is "SlowDown" or "RequestTimeout",
        FileNotFoundException or DirectoryNotFoundException or PathTooLongException => false,
        AmazonClientException or HttpRequestException or IOException or TimeoutException => true,
        _ => false,
    };

    /// <summary>Whether an answer with this status may be another one the next time.</summary>
    public static bool IsTransient(HttpStatusCode status) => (int)status is 408 or 425 or 429 or >= 500;

    /// <summary>Does something, and again while it fails with what may pass.</summary>
    /// <param name="what">What is done, for the error message, such as <c>read s3://bucket/key</c>.</param>
    /// <param name="attempt">Does it once; bounded by the read timeout.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="CortexException">It failed for good.</exception>
    public async Task<T> RunAsync<T>(string what, Func<CancellationToken, Task<T>> attempt, CancellationToken cancellationToken)
    {
        for (var tries = 1; ; tries++)
        {
            try
            {
                return await BoundedAsync(attempt, cancellationToken);
            }
            catch (Exception exception) when (exception is not CortexException and not OperationCanceledException)
            {
                await PauseAsync(what, tries, exception, cancellationToken);
            }
        }
    }

    /// <summary>One try, within the read timeout.</summary>
    /// <exception cref="TimeoutException">It took longer.</exception>
    public async Task<T> BoundedAsync<T>(Func<CancellationToken, Task<T>> attempt, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(options.ReadTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            return await attempt(either.Token);
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"nothing came for {options.ReadTimeout.TotalSeconds:0.###} seconds", exception);
        }
    }

    /// <summary>Waits before the next try.</summary>
    /// <exception cref="CortexException">There is none: the tries are used up, or trying again can't help.</exception>
    public async Task PauseAsync(string what, int tries, Exception exception, CancellationToken cancellationToken)
    {
        if (!IsTransient(exception))
        {
            throw new CortexException(BatchErrorKinds.Other, $"can't {what}: {Reason(exception)}", exception);
        }

        if (tries >= options.Attempts)
        {
            throw new CortexException(BatchErrorKinds.Other, $"can't {what}, after {tries} tries: {Reason(exception)}", exception);
        }

        await Task.Delay(new Backoff(options.Backoff, options.BackoffMax).After(tries), time, cancellationToken);
    }

    // One line: Amazon's client tells of every place where it has looked for credentials.
    private static string Reason(Exception exception)
    {
        var line = exception.Message.AsSpan().Trim();
        line = line[..(line.IndexOfAny('\r', '\n') is var end and >= 0 ? end : line.Length)];
        return exception is AmazonClientException && (line.StartsWith("Failed to resolve AWS credentials", StringComparison.Ordinal) || line.StartsWith("Unable to get IAM security credentials", StringComparison.Ordinal))
            ? "there are no credentials for S3; name them in jobs.sources.s3 of the cluster's configuration"
            : line.TrimEnd(": ").ToString();
    }
}
