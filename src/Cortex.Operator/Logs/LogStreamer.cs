using System.Globalization;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using Cortex.Core.Clusters;
using Cortex.Core.Errors;
using Cortex.Core.Specs;
using Cortex.Operator.Endpoints;
using Cortex.Operator.Reading;
using Cortex.Operator.State;
using Cortex.Runtimes;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Cortex.Operator.Logs;

/// <summary>Streams what replicas write: over a WebSocket, one text message per line, or as plain text.</summary>
/// <remarks>
/// Query: <c>allPods</c> (default false: the first pod only, as Cortex 0.42), <c>follow</c> (default true),
/// <c>tail</c> (lines of each container to begin with; default all). So many clients may read at a time, and one that
/// stops reading is cut off: see <see cref="LimitSettings"/>.
/// </remarks>
internal sealed partial class LogStreamer(
    ApiReader reader, IJobLogReader tasks, IJobLogReader batches, IContainerRuntime runtime, LimitSettings limits, TimeProvider time, ILogger<LogStreamer> logger)
{
    private const int BufferedLines = 1000;
    private static readonly TimeSpan _lookAgain = TimeSpan.FromSeconds(1);

    private int _streams;

    /// <summary>Refuses what has no logs.</summary>
    public async Task<WantedApi> CheckAsync(string apiName, string? jobId, CancellationToken cancellationToken)
    {
        var api = reader.Find(apiName);
        if (api.Spec.Kind == ApiKind.TrafficSplitter)
        {
            throw new CortexException("resources.operation_is_only_supported_for_kind", $"{apiName} is a TrafficSplitter, which has no replicas; ask for the logs of its targets");
        }

        if (!string.IsNullOrEmpty(jobId) && api.Spec.Kind is not (ApiKind.BatchAPI or ApiKind.TaskAPI))
        {
            throw new CortexException("resources.operation_is_only_supported_for_kind", $"{apiName} is a {api.Spec.Kind}, which has no jobs; leave the job id out");
        }

        if (api.Spec.Kind is ApiKind.BatchAPI or ApiKind.TaskAPI)
        {
            if (string.IsNullOrEmpty(jobId))
            {
                throw new CortexException("endpoints.logs_job_id_required", $"{apiName} is a {api.Spec.Kind}, whose jobs have logs of their own; name one (`cortex get {apiName}` lists them)");
            }

            await JobLogs(api).CheckAsync(apiName, jobId, cancellationToken);
        }

        return api;
    }

    /// <summary>Answers one request for logs.</summary>
    public async Task StreamAsync(HttpContext context, string apiName)
    {
        var query = context.Request.Query;
        var api = await CheckAsync(apiName, query["jobID"], context.RequestAborted);
        var tail = query["tail"].ToString();
        var request = new LogRequest(
            api.Name,
            api.Spec.Kind is ApiKind.TaskAPI or ApiKind.BatchAPI ? new LogJob(query["jobID"].ToString(), JobLogs(api)) : null,
            QueryFlag.Read(query, "allPods", otherwise: false),
            new LogQuery
            {
                Follow = QueryFlag.Read(query, "follow", otherwise: true),
                Tail = tail.Length == 0 ? null : int.TryParse(tail, NumberStyles.None, CultureInfo.InvariantCulture, out var lines)
                    ? lines
                    : throw new CortexException("error", $"the query parameter `tail` must be a number of lines, not `{tail}`"),
            });

        if (Interlocked.Increment(ref _streams) > limits.LogStreams)
        {
            Interlocked.Decrement(ref _streams);
            throw new BadHttpRequestException($"{limits.LogStreams} clients read logs already, which is the most at a time; end one of them, or raise limits.log_streams in the cluster configuration", StatusCodes.Status503ServiceUnavailable);
        }

        try
        {
            await StreamAsync(context, request);
        }
        finally
        {
            Interlocked.Decrement(ref _streams);
        }
    }

    private async Task StreamAsync(HttpContext context, LogRequest request)
    {
        if (!context.WebSockets.IsWebSocketRequest)
        {
            await StreamTextAsync(context, request);
            return;
        }

        var origin = context.Request.Headers.Origin.ToString();
        if (origin.Length > 0 && !(Uri.TryCreate(origin, UriKind.Absolute, out var uri) && uri.Authority.Equals(context.Request.Host.Value, StringComparison.OrdinalIgnoreCase)))
        {
            throw new CortexException("error", $"the origin {origin} is not this server");
        }

        using var socket = await context.WebSockets.AcceptWebSocketAsync();
        await StreamAsync(socket, context, request);
    }

    private async Task StreamTextAsync(HttpContext context, LogRequest request)
    {
        context.Response.ContentType = "text/plain; charset=utf-8";
        try
        {
            await foreach (var text in ReadAsync(request, context.RequestAborted))
            {
                await InTimeAsync(
                    context,
                    request,
                    async token =>
                    {
                        await context.Response.WriteAsync(text, token);
                        await context.Response.Body.FlushAsync(token);
                    },
                    context.RequestAborted);
            }
        }
        catch (OperationCanceledException)
        {
            // The client has left, or was cut off.
        }
    }

    private async Task StreamAsync(WebSocket socket, HttpContext context, LogRequest request)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        var listening = ListenAsync(socket, stop);
        try
        {
            var status = WebSocketCloseStatus.NormalClosure;
            try
            {
                await foreach (var text in ReadAsync(request, stop.Token))
                {
                    await InTimeAsync(context, request, token => SendAsync(socket, text, token), stop.Token);
                }
            }
            catch (Exception exception) when (exception is not (OperationCanceledException or WebSocketException))
            {
                // The last line says why there are no more, and the code lets a script tell this from the logs' end.
                LogBroken(exception, request.ApiName);
                status = WebSocketCloseStatus.InternalServerError;
                await InTimeAsync(context, request, token => SendAsync(socket, $"the logs can't be read any further: {exception.Message}\n", token), stop.Token);
            }

            using var closing = new CancellationTokenSource(TimeSpan.FromSeconds(10), time);
            await socket.CloseOutputAsync(status, null, closing.Token);
            await listening.WaitAsync(closing.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        catch (Exception exception) when (exception is OperationCanceledException or WebSocketException)
        {
            // The client has left, or was cut off.
        }
        finally
        {
            await stop.CancelAsync();
            await listening.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // A client that stops reading holds lines and a connection to the engine for as long as it likes, unless somebody ends it.
    private async Task InTimeAsync(HttpContext context, LogRequest request, Func<CancellationToken, Task> send, CancellationToken cancellationToken)
    {
        using var stalled = new CancellationTokenSource(limits.LogStall, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stalled.Token, cancellationToken);
        try
        {
            await send(either.Token);
        }
        catch (OperationCanceledException) when (stalled.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            LogStalled(request.ApiName, limits.LogStall.TotalSeconds);
            context.Abort();
            throw;
        }
    }

    private static Task SendAsync(WebSocket socket, string text, CancellationToken cancellationToken) =>
        socket.SendAsync(new ArraySegment<byte>(Encoding.UTF8.GetBytes(text)), WebSocketMessageType.Text, endOfMessage: true, cancellationToken);

    // What the client sends is read and dropped; its close or its silence for good ends the stream.
    private static async Task ListenAsync(WebSocket socket, CancellationTokenSource stop)
    {
        var buffer = new byte[8192];
        try
        {
            while ((await socket.ReceiveAsync(buffer.AsMemory(), stop.Token)).MessageType != WebSocketMessageType.Close)
            {
            }

            await stop.CancelAsync();
        }
        catch (WebSocketException)
        {
            await stop.CancelAsync();
        }
    }

    private IAsyncEnumerable<string> ReadAsync(LogRequest request, CancellationToken cancellationToken) =>
        request.Job is { } job ? ReadJobAsync(request, job, cancellationToken)
        : request.AllPods ? ReadAllAsync(request, cancellationToken) : ReadFirstAsync(request, cancellationToken);

    private IJobLogReader JobLogs(WantedApi api) => api.Spec.Kind == ApiKind.BatchAPI ? batches : tasks;

    private static async IAsyncEnumerable<string> ReadJobAsync(LogRequest request, LogJob job, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var (pod, line) in job.Reader.ReadAsync(request.ApiName, job.Id, request.Query, request.AllPods, cancellationToken))
        {
            foreach (var text in Unwrap(line.Text))
            {
                yield return request.AllPods && line.Container.Length > 0 ? $"{pod}/{line.Container} {text}" : text;
            }
        }
    }

    private async IAsyncEnumerable<string> ReadFirstAsync(LogRequest request, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        string? podId = null;
        var told = false;
        while (podId is null)
        {
            if (!reader.TryFind(request.ApiName, out var api))
            {
                yield return $"{request.ApiName} was deleted\n";
                yield break;
            }

            var pod = reader.Pods(api).FirstOrDefault(pod => pod.State != PodState.Terminating);
            if (pod is null)
            {
                yield return $"no replicas of {request.ApiName} are running\n";
                yield break;
            }

            if (pod.State is PodState.Pending or PodState.Stalled or PodState.Creating or PodState.ErrImagePull && pod.Containers.All(container => !container.Running))
            {
                if (!told)
                {
                    told = true;
                    yield return pod.Reason.Length == 0 ? "waiting for pod to initialize ...\n" : $"waiting for pod to initialize ... ({pod.Reason})\n";
                }

                await Task.Delay(_lookAgain, time, cancellationToken);
                continue;
            }

            podId = pod.Id;
        }

        await foreach (var line in runtime.ReadLogsAsync(podId, request.Query, cancellationToken))
        {
            foreach (var text in Unwrap(line.Text))
            {
                yield return text;
            }
        }
    }

    private async IAsyncEnumerable<string> ReadAllAsync(LogRequest request, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var lines = Channel.CreateBounded<string>(BufferedLines);
        var reading = ReadPodsAsync(request, lines.Writer, stop.Token);
        try
        {
            await foreach (var text in lines.Reader.ReadAllAsync(cancellationToken))
            {
                yield return text;
            }
        }
        finally
        {
            await stop.CancelAsync();
            await reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // Follows the replicas that there are, and those that come while the client listens.
    private async Task ReadPodsAsync(LogRequest request, ChannelWriter<string> lines, CancellationToken cancellationToken)
    {
        var readers = new Dictionary<string, Task>(StringComparer.Ordinal);
        Exception? failure = null;
        try
        {
            for (var isFirstLook = true; ; isFirstLook = false)
            {
                if (!reader.TryFind(request.ApiName, out var api))
                {
                    break;
                }

                foreach (var pod in reader.Pods(api).Where(pod => !readers.ContainsKey(pod.Id) && pod.Containers.Count > 0))
                {
                    // A replica that came while the client listens is shown from its first line.
                    var query = isFirstLook || !request.Query.Follow ? request.Query : request.Query with { Tail = request.Query.Tail is null ? null : int.MaxValue };
                    readers[pod.Id] = ReadPodAsync(pod, query, lines, cancellationToken);
                }

                if (!request.Query.Follow)
                {
                    break;
                }

                var pods = runtime.List().Select(pod => pod.Id).ToHashSet(StringComparer.Ordinal);
                foreach (var (podId, ended) in readers.Where(each => each.Value.IsCompleted && (each.Value.IsFaulted || !pods.Contains(each.Key))).ToList())
                {
                    await ended;
                    readers.Remove(podId);
                }

                await Task.Delay(_lookAgain, time, cancellationToken);
            }

            await Task.WhenAll(readers.Values);
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAll(readers.Values).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
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

    private async Task ReadPodAsync(PodStatus pod, LogQuery query, ChannelWriter<string> lines, CancellationToken cancellationToken)
    {
        await foreach (var line in runtime.ReadLogsAsync(pod.Id, query, cancellationToken))
        {
            foreach (var text in Unwrap(line.Text))
            {
                await lines.WriteAsync($"{pod.Id}/{line.Container} {text}", cancellationToken);
            }
        }
    }

    /// <summary>
    /// A JSON line gives its message, and its exception when it has one; any other line gives itself. Cortex 0.42 gave
    /// an empty line for JSON without a message; nothing is dropped here.
    /// </summary>
    internal static IEnumerable<string> Unwrap(string line)
    {
        if (!line.StartsWith('{'))
        {
            return [line + "\n"];
        }

        try
        {
            using var json = JsonDocument.Parse(line);
            if (Text(json.RootElement, "message") is not { } message)
            {
                return [line + "\n"];
            }

            return Text(json.RootElement, "exc_info") is { Length: > 0 } trace ? [message + "\n", trace + "\n"] : [message + "\n"];
        }
        catch (JsonException)
        {
            return [line + "\n"];
        }
    }

    private static string? Text(JsonElement json, string key) =>
        json.TryGetProperty(key, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    [LoggerMessage(3401, LogLevel.Warning, "Could not go on reading the logs of {Api}.")]
    private partial void LogBroken(Exception exception, string api);

    [LoggerMessage(3402, LogLevel.Warning, "Cut off a client that had taken no lines of the logs of {Api} for {Seconds} s.")]
    private partial void LogStalled(string api, double seconds);

    private sealed record LogRequest(string ApiName, LogJob? Job, bool AllPods, LogQuery Query);

    private sealed record LogJob(string Id, IJobLogReader Reader);
}
