using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Cortex.Cli.Client;
using Cortex.Cli.Environments;
using Cortex.Core.Errors;
using Cortex.Core.Specs;

namespace Cortex.Cli.Async;

/// <summary>The endpoint of one Async API.</summary>
internal sealed class AsyncClient : IDisposable
{
    /// <summary>The longest wait for an answer, beyond what the server was asked to wait.</summary>
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(600);

    /// <summary>Answers without results are small; a list of 1000 requests has some hundred kilobytes.</summary>
    private const int MaxAnswer = 16 * 1024 * 1024;

    private readonly OperatorClient _operator;
    private readonly string _endpoint;
    private readonly HttpClient _http;
    private readonly TimeProvider _time;

    private AsyncClient(CliHost host, OperatorClient client, CliEnvironment environment, string api, string endpoint)
    {
        _operator = client;
        Api = api;
        _endpoint = endpoint;
        _time = host.Time;
        _http = new HttpClient(host.OpenTransport(new Uri(endpoint), environment)) { Timeout = Timeout.InfiniteTimeSpan };
    }

    /// <summary>The API's name.</summary>
    public string Api { get; }

    /// <summary>Asks the operator where the API is.</summary>
    /// <exception cref="CortexException">There is none of this name, or it is of another kind.</exception>
    public static async Task<AsyncClient> OpenAsync(CliHost host, string? environmentName, string api, CancellationToken cancellationToken)
    {
        var environment = await EnvironmentResolver.ResolveAsync(host, environmentName, announce: false, cancellationToken);
        var client = new OperatorClient(host, environment);
        try
        {
            var found = await client.GetAsync(api, cancellationToken);
            var kind = found.Metadata?.Kind ?? found.Spec?.Kind;
            if (kind != ApiKind.AsyncAPI)
            {
                throw new CortexException("resources.operation_is_only_supported_for_kind", $"{api} is a {kind}; `cortex async` is for AsyncAPIs{(kind == ApiKind.RealtimeAPI ? $", and this one answers at once at {found.Endpoint}" : "")}");
            }

            return found.Endpoint is { Length: > 0 } endpoint
                ? new AsyncClient(host, client, environment, api, endpoint)
                : throw new CortexException("cli.response_unknown", $"the operator of the {environment.Name} environment does not say where {api} is; compare `cortex version`");
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    /// <summary>Submits a request; the answer is the server's, <c>{"id": ...}</c>.</summary>
    /// <param name="content">The payload, which is streamed.</param>
    /// <param name="headers">Headers beside those of the content.</param>
    /// <param name="cancellationToken">Stops waiting; the request may be accepted all the same.</param>
    public async Task<(string Id, bool IsReplay, string Body)> SubmitAsync(HttpContent content, IEnumerable<KeyValuePair<string, string>> headers, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, _endpoint) { Content = content };
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        try
        {
            using var answer = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            var body = await ReadAsync(answer, cancellationToken);
            return answer.StatusCode == HttpStatusCode.OK && ReadId(body) is { } id
                ? (id, answer.Headers.TryGetValues("X-Cortex-Idempotent-Replay", out var replay) && replay.Contains("true"), body)
                : throw ErrorOf(answer.StatusCode, body);
        }
        catch (HttpRequestException exception) when (!IsRefused(exception))
        {
            throw new CortexException("cli.async_connection", $"the connection to {_endpoint} was lost ({exception.GetBaseException().Message}); whether the request was accepted is not known. Submit it again: with --idempotency-key it is never done twice", exception);
        }
        catch (HttpRequestException exception)
        {
            throw Unreachable(exception);
        }
    }

    /// <summary>Asks for a request's state. The caller disposes of the answer, whose body is still to be read.</summary>
    /// <param name="id">The request.</param>
    /// <param name="wait">The server answers when it is final or this time is up.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <exception cref="AsyncUnavailableException">It could not be asked now.</exception>
    public async Task<HttpResponseMessage> GetAsync(string id, TimeSpan wait, CancellationToken cancellationToken)
    {
        var seconds = Math.Ceiling(wait.TotalSeconds);
        var query = seconds > 0 ? string.Create(CultureInfo.InvariantCulture, $"?wait={seconds}s") : "";
        var answer = await SendAsync(HttpMethod.Get, $"/{Escape(id)}{query}", wait + AnswerTimeout, cancellationToken);
        if (answer.StatusCode == HttpStatusCode.OK)
        {
            return answer;
        }

        using (answer)
        {
            var error = ErrorOf(answer.StatusCode, await ReadAsync(answer, cancellationToken));
            throw answer.StatusCode is HttpStatusCode.ServiceUnavailable or HttpStatusCode.BadGateway ? new AsyncUnavailableException(error) : error;
        }
    }

    /// <summary>One page of requests, newest first: of the operator, as nobody else is told ids.</summary>
    public Task<JsonElement> ListAsync(string? status, int limit, string? cursor, CancellationToken cancellationToken) =>
        _operator.ListRequestsAsync(Api, status, limit, cursor, cancellationToken);

    /// <summary>Asks for what the container answered, byte for byte. The caller disposes of the answer, whose body is still to be read.</summary>
    public async Task<HttpResponseMessage> GetAnswerAsync(string id, CancellationToken cancellationToken)
    {
        try
        {
            var answer = await SendAsync(HttpMethod.Get, $"/{Escape(id)}/answer", AnswerTimeout, cancellationToken);
            if (answer.StatusCode == HttpStatusCode.OK)
            {
                return answer;
            }

            using (answer)
            {
                throw ErrorOf(answer.StatusCode, await ReadAsync(answer, cancellationToken));
            }
        }
        catch (AsyncUnavailableException exception)
        {
            throw exception.Error;
        }
    }

    /// <summary>Cancels a request; the answer has its id and status.</summary>
    public Task<JsonElement> CancelAsync(string id, CancellationToken cancellationToken) => ChangeAsync(HttpMethod.Delete, $"/{Escape(id)}", cancellationToken);

    /// <summary>Puts a failed or cancelled request back; the answer has its id and status.</summary>
    public Task<JsonElement> RetryAsync(string id, CancellationToken cancellationToken) => ChangeAsync(HttpMethod.Post, $"/{Escape(id)}/retry", cancellationToken);

    /// <inheritdoc/>
    public void Dispose()
    {
        _http.Dispose();
        _operator.Dispose();
    }

    private async Task<JsonElement> ChangeAsync(HttpMethod method, string path, CancellationToken cancellationToken)
    {
        try
        {
            using var answer = await SendAsync(method, path, AnswerTimeout, cancellationToken);
            var body = await ReadAsync(answer, cancellationToken);
            return answer.StatusCode == HttpStatusCode.OK && TryParse(body) is { } value ? value : throw ErrorOf(answer.StatusCode, body);
        }
        catch (AsyncUnavailableException exception)
        {
            throw exception.Error;
        }
    }

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(timeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        using var request = new HttpRequestMessage(method, _endpoint + path);
        try
        {
            return await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token);
        }
        catch (HttpRequestException exception)
        {
            throw new AsyncUnavailableException(Unreachable(exception));
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new AsyncUnavailableException(Unreachable(new TimeoutException($"no answer within {timeout.TotalSeconds:0} s", exception)));
        }
    }

    private static async Task<string> ReadAsync(HttpResponseMessage answer, CancellationToken cancellationToken)
    {
        await answer.Content.LoadIntoBufferAsync(MaxAnswer, cancellationToken);
        return await answer.Content.ReadAsStringAsync(cancellationToken);
    }

    private CortexException ErrorOf(HttpStatusCode status, string body)
    {
        var text = body.Trim();
        var said = text.StartsWith("error: ", StringComparison.Ordinal) ? text["error: ".Length..]
            : text.Length is > 0 and < 2048 ? $"{Api} answered with status {(int)status}: {text}"
            : $"{Api} answered with status {(int)status}";
        var hint = status switch
        {
            HttpStatusCode.NotFound => $"\n\nthe id may be wrong or its result may have expired; `cortex async list {Api}` shows what is there",
            HttpStatusCode.RequestEntityTooLarge => $"\n\nraise `queue: {{max_payload: ...}}` in the configuration of {Api} and deploy it again",
            HttpStatusCode.InsufficientStorage => "\n\nfree space on the disk of the cluster, and submit it again; nothing was stored",
            HttpStatusCode.ServiceUnavailable => "\n\ntry again shortly",
            _ => "",
        };
        return new CortexException("cli.async_refused", said + hint);
    }

    private CortexException Unreachable(Exception cause)
    {
        if (CertificateRefusedException.Find(cause) is { } refused)
        {
            return refused.ToError();
        }

        var reason = cause.GetBaseException() is SocketException socket ? socket.Message : cause.GetBaseException().Message;
        return new CortexException("cli.failed_to_connect_api", $"failed to connect to {Api} at {_endpoint}: {reason}\n\n`cortex cluster health` says whether its cluster runs", cause);
    }

    private static bool IsRefused(HttpRequestException exception) =>
        exception.HttpRequestError is HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError
        || exception.GetBaseException() is SocketException { SocketErrorCode: SocketError.ConnectionRefused }
        || CertificateRefusedException.Find(exception) is not null;

    private static string? ReadId(string body) =>
        TryParse(body) is { ValueKind: JsonValueKind.Object } answer && answer.TryGetProperty("id", out var id) && id.ValueKind == JsonValueKind.String ? id.GetString() : null;

    private static JsonElement? TryParse(string body)
    {
        try
        {
            var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(body));
            return JsonElement.ParseValue(ref reader);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string Escape(string text) => Uri.EscapeDataString(text);
}
