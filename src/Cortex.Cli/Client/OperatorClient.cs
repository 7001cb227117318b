using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Cortex.Cli.Environments;
using Cortex.Core.Errors;
using Cortex.Core.Specs;
using Cortex.Core.Wire;

namespace Cortex.Cli.Client;

/// <summary>The operator's HTTP API.</summary>
internal sealed class OperatorClient : IDisposable
{
    /// <summary>The longest wait for an answer.</summary>
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(600);

    /// <summary>The longest upload of items.</summary>
    private static readonly TimeSpan UploadTimeout = TimeSpan.FromHours(24);

    /// <summary>The longest wait for an answer to info, which is asked to learn whether the operator is there.</summary>
    private static readonly TimeSpan InfoTimeout = TimeSpan.FromSeconds(10);

    private readonly CliEnvironment _environment;

    // What an operator on this machine knows at once is waited for on this thread: sooner than the code is ready that lets it go.
    private readonly bool _isNear;
    private readonly HttpClient _http;
    private readonly TimeProvider _time;

    public OperatorClient(CliHost host, CliEnvironment environment)
    {
        _environment = environment;
        _time = host.Time;
        _isNear = new Uri(environment.OperatorEndpoint).IsLoopback;
        _http = new HttpClient(host.OpenTransport(new Uri(environment.OperatorEndpoint), environment))
        {
            BaseAddress = new Uri(environment.OperatorEndpoint + "/"),
            Timeout = Timeout.InfiniteTimeSpan,
        };
        AddHeaders(_http.DefaultRequestHeaders.TryAddWithoutValidation, environment);
    }

    /// <summary>Whose operator it asks.</summary>
    public CliEnvironment Environment => _environment;

    public Task<IReadOnlyList<DeployResult>> DeployAsync(string fileName, byte[] content, bool force, CancellationToken cancellationToken)
    {
        var file = new ByteArrayContent(content);
        file.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        var form = new MultipartFormDataContent { { file, "config", fileName } };
        return SendAsync(HttpMethod.Post, $"deploy?configFileName={Escape(fileName)}&force={Text(force)}", form, WireJson.Contract.IReadOnlyListDeployResult, AnswerTimeout, cancellationToken);
    }

    /// <summary>Deploys an earlier version again.</summary>
    /// <param name="apiName">The API.</param>
    /// <param name="apiId">The version; null for the one before.</param>
    /// <param name="force">Also while an update is in progress.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public Task<IReadOnlyList<DeployResult>> RollbackAsync(string apiName, string? apiId, bool force, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Post, $"rollback/{Escape(apiName)}?apiID={Escape(apiId ?? "")}&force={Text(force)}", null, WireJson.Contract.IReadOnlyListDeployResult, AnswerTimeout, cancellationToken);

    public Task<IReadOnlyList<ApiResponse>> GetAsync(CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Get, "get", null, WireJson.Contract.IReadOnlyListApiResponse, AnswerTimeout, cancellationToken, soon: true);

    /// <summary>The same without the specifications, sooner.</summary>
    public Task<IReadOnlyList<ApiResponse>> GetBrieflyAsync(CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Get, "get", null, WireJson.Brief.IReadOnlyListApiResponse, AnswerTimeout, cancellationToken, soon: true);

    /// <summary>One API.</summary>
    /// <param name="apiName">The API.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <param name="showEnv">Whether to tell the values of its variables.</param>
    public async Task<ApiResponse> GetAsync(string apiName, CancellationToken cancellationToken, bool showEnv = false) =>
        Single(await SendAsync(HttpMethod.Get, $"get/{Escape(apiName)}{(showEnv ? "?showEnv=true" : "")}", null, WireJson.Contract.IReadOnlyListApiResponse, AnswerTimeout, cancellationToken, soon: true));

    public async Task<ApiResponse> DescribeAsync(string apiName, CancellationToken cancellationToken) =>
        Single(await SendAsync(HttpMethod.Get, $"describe/{Escape(apiName)}", null, WireJson.Contract.IReadOnlyListApiResponse, AnswerTimeout, cancellationToken, soon: true));

    public Task<MessageResponse> RefreshAsync(string apiName, bool force, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Post, $"refresh/{Escape(apiName)}?force={Text(force)}", null, WireJson.Contract.MessageResponse, AnswerTimeout, cancellationToken);

    public Task<MessageResponse> DeleteAsync(string apiName, bool keepCache, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Delete, $"delete/{Escape(apiName)}?apiName={Escape(apiName)}&keepCache={Text(keepCache)}", null, WireJson.Contract.MessageResponse, AnswerTimeout, cancellationToken);

    /// <summary>A job's answer as it came, since Batch and Task jobs differ.</summary>
    /// <param name="kind">The API's kind.</param>
    /// <param name="apiName">The API.</param>
    /// <param name="jobId">The job.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <param name="wait">How long the operator waits for the job's end before it answers.</param>
    public Task<JsonElement> GetJobAsync(ApiKind? kind, string apiName, string jobId, CancellationToken cancellationToken, TimeSpan wait = default)
    {
        var patience = wait > TimeSpan.Zero ? string.Create(CultureInfo.InvariantCulture, $"&wait={wait.TotalSeconds}s") : "";
        return SendAsync(HttpMethod.Get, $"{JobRoute(kind)}/{Escape(apiName)}?jobID={Escape(jobId)}{patience}", null, WireJson.Contract.JsonElement, AnswerTimeout, cancellationToken);
    }

    /// <summary>Submits a job. Only Batch and Task APIs take any.</summary>
    /// <param name="kind">The API's kind.</param>
    /// <param name="apiName">The API.</param>
    /// <param name="query">Parameters beside the body; may be empty.</param>
    /// <param name="body">The submission, or the items of a batch job.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public Task<JsonElement> SubmitJobAsync(ApiKind? kind, string apiName, IReadOnlyList<KeyValuePair<string, string>> query, HttpContent body, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Post, JobPath(kind, apiName, query), body, WireJson.Contract.JsonElement, UploadTimeout, cancellationToken);

    /// <summary>Has a submission checked without submitting it; the answer is text for people.</summary>
    public async Task<string> DryRunAsync(ApiKind? kind, string apiName, IReadOnlyList<KeyValuePair<string, string>> query, HttpContent body, CancellationToken cancellationToken)
    {
        using var answer = await SendAsync(HttpMethod.Post, JobPath(kind, apiName, [.. query, new("dryRun", "true")]), body, UploadTimeout, cancellationToken);
        var text = await answer.Content.ReadAsByteArrayAsync(cancellationToken);
        return answer.StatusCode == HttpStatusCode.OK ? Encoding.UTF8.GetString(text)
            : answer.Content.Headers.ContentType?.MediaType == "text/plain" ? throw new CortexException("cli.dry_run", Encoding.UTF8.GetString(text).Trim())
            : throw ErrorOf(answer.StatusCode, text, _environment);
    }

    /// <summary>One page of the batches that a batch job gave up.</summary>
    public Task<JsonElement> GetDeadLettersAsync(string apiName, string jobId, int limit, string? cursor, CancellationToken cancellationToken) =>
        SendAsync(
            HttpMethod.Get,
            JobPath(ApiKind.BatchAPI, apiName, [new("jobID", jobId), new("deadLetters", "true"), new("limit", limit.ToString(CultureInfo.InvariantCulture)), .. cursor is null ? Array.Empty<KeyValuePair<string, string>>() : [new("cursor", cursor)]]),
            null, WireJson.Contract.JsonElement, AnswerTimeout, cancellationToken);

    /// <summary>One page of the requests of an AsyncAPI, newest first.</summary>
    public Task<JsonElement> ListRequestsAsync(string apiName, string? status, int limit, string? cursor, CancellationToken cancellationToken) =>
        SendAsync(
            HttpMethod.Get,
            string.Create(CultureInfo.InvariantCulture, $"async/{Escape(apiName)}?limit={limit}")
                + (status is null ? "" : $"&status={Escape(status)}")
                + (cursor is null ? "" : $"&cursor={Escape(cursor)}"),
            null, WireJson.Contract.JsonElement, AnswerTimeout, cancellationToken);

    /// <summary>Submits a job of the batches that another one gave up.</summary>
    public Task<JsonElement> RetryJobAsync(string apiName, string jobId, int? workers, CancellationToken cancellationToken) =>
        SendAsync(
            HttpMethod.Post,
            JobPath(ApiKind.BatchAPI, apiName, [new("jobID", jobId), new("retryDeadLetters", "true"), .. workers is null ? Array.Empty<KeyValuePair<string, string>>() : [new("workers", workers.Value.ToString(CultureInfo.InvariantCulture))]]),
            null, WireJson.Contract.JsonElement, AnswerTimeout, cancellationToken);

    /// <summary>Stops a job. Only Batch and Task APIs have any.</summary>
    public Task<MessageResponse> StopJobAsync(ApiKind? kind, string apiName, string jobId, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Delete, $"{JobRoute(kind)}/{Escape(apiName)}?apiName={Escape(apiName)}&jobID={Escape(jobId)}", null, WireJson.Contract.MessageResponse, AnswerTimeout, cancellationToken);

    public Task<InfoResponse> InfoAsync(CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Get, "info", null, WireJson.Contract.InfoResponse, InfoTimeout, cancellationToken);

    /// <summary>Checks that a Cortex operator answers at this address, whoever asks.</summary>
    public async Task VerifyAsync(CancellationToken cancellationToken)
    {
        using var answer = await SendAsync(HttpMethod.Get, "verifycortex", null, InfoTimeout, cancellationToken);
        var body = await answer.Content.ReadAsByteArrayAsync(cancellationToken);
        if (answer.StatusCode != HttpStatusCode.OK || !IsJson(body))
        {
            throw new CortexException("cli.invalid_operator_endpoint", $"what answers at {_environment.OperatorEndpoint} is not a Cortex operator; check the address (`cortex cluster info` prints it)");
        }
    }

    /// <summary>Asks the operator whether it takes the environment's token, whatever else it has to say.</summary>
    public async Task<TokenAnswer> CheckTokenAsync(CancellationToken cancellationToken)
    {
        using var answer = await SendAsync(HttpMethod.Get, "info", null, InfoTimeout, cancellationToken);
        return answer.StatusCode is not (HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden) ? TokenAnswer.Accepted
            : _environment.Token is null ? TokenAnswer.Missing
            : TokenAnswer.Refused;
    }

    /// <summary>Adds the headers that every request to an operator carries.</summary>
    public static void AddHeaders(Func<string, string, bool> add, CliEnvironment environment)
    {
        add("CortexAPIVersion", CliVersion.Current);
        if (environment.Token is { } token)
        {
            add("Authorization", $"Bearer {token}");
        }
    }

    /// <summary>What an answer that is no success says, with what to do about it.</summary>
    public static CortexException ErrorOf(HttpStatusCode status, ReadOnlySpan<byte> body, CliEnvironment environment)
    {
        var error = TryRead(body);
        if (error is null)
        {
            return new CortexException("cli.operator_response_unknown", $"unexpected response from {environment.OperatorEndpoint} (status code {(int)status}); is that address a Cortex operator's?");
        }

        if (status is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden && error.Kind != "endpoints.client_access")
        {
            return new CortexException(error.Kind, $"the {environment.Name} environment has no valid token: {error.Message}");
        }

        var message = error.Errors is { Count: > 0 } places ? string.Join("\nerror: ", places.Select(place => place.Message.TrimEnd())) : error.Message;
        return new CortexException(error.Kind, message);
    }

    /// <summary>The operator can't be reached at all, or is not who it should be.</summary>
    public static CortexException Unreachable(CliEnvironment environment, Exception cause)
    {
        if (CertificateRefusedException.Find(cause) is { } refused)
        {
            return refused.ToError();
        }

        var reason = cause.GetBaseException() is SocketException socket ? socket.Message : cause.GetBaseException().Message;
        var local = new Uri(environment.OperatorEndpoint).IsLoopback;
        return new CortexException(
            "cli.failed_to_connect_operator",
            $"failed to connect to the operator of the {environment.Name} environment at {environment.OperatorEndpoint}: {reason}\n\n"
            + (local ? "if its cluster is not running, start it with `cortex cluster up`" : $"check that its cluster is running and that this machine can reach it; `cortex env configure {environment.Name}` changes the address"),
            cause);
    }

    public void Dispose() => _http.Dispose();

    private async Task<T> SendAsync<T>(HttpMethod method, string path, HttpContent? content, JsonTypeInfo<T> type, TimeSpan timeout, CancellationToken cancellationToken, bool soon = false)
    {
        using var answer = await SendAsync(method, path, content, timeout, cancellationToken, soon);
        var body = await answer.Content.ReadAsByteArrayAsync(cancellationToken);
        if (answer.StatusCode != HttpStatusCode.OK)
        {
            throw ErrorOf(answer.StatusCode, body, _environment);
        }

        try
        {
            return JsonSerializer.Deserialize(body, type) ?? throw new JsonException("null");
        }
        catch (JsonException exception)
        {
            throw new CortexException("cli.response_unknown", $"the operator of the {_environment.Name} environment answered with something else than expected ({exception.Message}); compare `cortex version`", exception);
        }
    }

    // Reads the whole answer, so that the timeout covers its body too.
    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, HttpContent? content, TimeSpan timeout, CancellationToken cancellationToken, bool soon = false)
    {
        using var deadline = new CancellationTokenSource(timeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        using var request = new HttpRequestMessage(method, path) { Content = content };
        try
        {
            return soon && _isNear
                ? _http.Send(request, HttpCompletionOption.ResponseContentRead, either.Token)
                : await _http.SendAsync(request, HttpCompletionOption.ResponseContentRead, either.Token);
        }
        catch (HttpRequestException exception)
        {
            throw Unreachable(_environment, exception);
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw Unreachable(_environment, new TimeoutException($"no answer within {timeout.TotalSeconds:0} s", exception));
        }
    }

    private ApiResponse Single(IReadOnlyList<ApiResponse> apis) => apis is [var api, ..]
        ? api
        : throw new CortexException("cli.response_unknown", $"the operator of the {_environment.Name} environment answered with an empty list");

    private static bool IsJson(byte[] body)
    {
        try
        {
            JsonDocument.Parse(body).Dispose();
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static ErrorResponse? TryRead(ReadOnlySpan<byte> body)
    {
        try
        {
            return JsonSerializer.Deserialize(body, WireJson.Contract.ErrorResponse) is { Message: not null } error ? error : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    // An API that has no jobs is asked about as a task, so that the operator says what is wrong.
    private static string JobRoute(ApiKind? kind) => kind == ApiKind.BatchAPI ? "batch" : "tasks";

    private static string JobPath(ApiKind? kind, string apiName, IReadOnlyList<KeyValuePair<string, string>> query) =>
        $"{JobRoute(kind)}/{Escape(apiName)}{(query.Count > 0 ? "?" : "")}{string.Join('&', query.Select(parameter => $"{parameter.Key}={Escape(parameter.Value)}"))}";

    private static string Escape(string text) => Uri.EscapeDataString(text);

    private static string Text(bool value) => value ? "true" : "false";
}
