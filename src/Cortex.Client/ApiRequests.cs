using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Cortex.Client.Calling;
using Cortex.Client.Requests;
using Cortex.Core.Errors;
using Cortex.Core.Specs;
using Cortex.Core.Wire;

namespace Cortex.Client;

/// <summary>The requests of one Async API: <see cref="CortexClient.Requests"/>. Thread-safe.</summary>
/// <remarks>Errors are <see cref="CortexException"/>; those of the API have the kind <see cref="ClientErrorKinds.RequestRefused"/>.</remarks>
public sealed class ApiRequests
{
    /// <summary>Answers without results are small; a list of 1000 requests has some hundred kilobytes.</summary>
    private const int MaxAnswer = 16 * 1024 * 1024;

    /// <summary>Bytes of an answer with its result; larger results are read as streams.</summary>
    private const int MaxResult = 1024 * 1024 * 1024;

    /// <summary>Deeper than any result may be.</summary>
    private const int MaxDepth = 1024;

    /// <summary>Requests of one page of a list.</summary>
    private const int Page = 1000;

    /// <summary>How long one call waits for the end of a request.</summary>
    private static readonly TimeSpan LongPoll = TimeSpan.FromSeconds(30);

    /// <summary>A wait goes on over a restart of the server that is not longer than this.</summary>
    private static readonly TimeSpan Absence = TimeSpan.FromMinutes(1);

    // A wait that ends so little before its time is not worth another request.
    private static readonly TimeSpan Nearly = TimeSpan.FromMilliseconds(50);

    private static readonly TimeSpan AbsencePause = TimeSpan.FromMilliseconds(500);

    private readonly CortexClient _client;
    private string? _url;

    internal ApiRequests(CortexClient client, string apiName, string? endpoint)
    {
        ArgumentNullException.ThrowIfNull(apiName);
        _client = client;
        ApiName = apiName;
        _url = endpoint is null ? null : ApiAddress.Of(client.Environment, endpoint);
    }

    /// <summary>The API's name.</summary>
    public string ApiName { get; }

    /// <summary>Submits a request with a payload of JSON.</summary>
    /// <typeparam name="T">What is written as JSON.</typeparam>
    /// <param name="payload">The payload.</param>
    /// <param name="type">How to write it, from a <see cref="System.Text.Json.Serialization.JsonSerializerContext"/>.</param>
    /// <param name="options">What it says beside; null for nothing.</param>
    /// <param name="cancellationToken">Stops waiting; the request may be accepted all the same.</param>
    public async Task<SubmittedRequest> SubmitAsync<T>(T payload, JsonTypeInfo<T> type, SubmitOptions? options = null, CancellationToken cancellationToken = default)
    {
        using var content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(payload, type)) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
        return await SubmitAsync(content, options, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Submits a request with any payload, which is sent while it is read.</summary>
    /// <remarks>
    /// With an idempotency key, content that lies in memory (<see cref="ByteArrayContent"/>, <see cref="StringContent"/>,
    /// <see cref="ReadOnlyMemoryContent"/>) is sent again when the connection breaks; any other is not.
    /// </remarks>
    /// <param name="payload">The payload with its content type. The caller disposes of it.</param>
    /// <param name="options">What it says beside; null for nothing.</param>
    /// <param name="cancellationToken">Stops waiting; the request may be accepted all the same.</param>
    /// <exception cref="CortexException">
    /// It was refused, or the connection broke, so that nobody knows whether it was accepted (<see cref="ClientErrorKinds.SubmissionLost"/>).
    /// </exception>
    public async Task<SubmittedRequest> SubmitAsync(HttpContent payload, SubmitOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(payload);
        options ??= new SubmitOptions();
        if (options.Priority is < 0 or > 9)
        {
            throw new ArgumentOutOfRangeException(nameof(options), options.Priority, "a priority is 0 to 9");
        }

        var url = await LocateAsync(cancellationToken).ConfigureAwait(false);
        var call = new HttpCall
        {
            Method = HttpMethod.Post,
            Address = new Uri(url),
            Headers = options.AllHeaders(),
            Content = payload,
            Timeout = CortexClient.UploadTimeout,
            IsRepeatable = options.IdempotencyKey is not null && payload is ByteArrayContent or ReadOnlyMemoryContent,
        };
        try
        {
            using var answer = await _client.CallerOf(url).SendAsync(call, cancellationToken).ConfigureAwait(false);
            var body = await ReadTextAsync(answer, cancellationToken).ConfigureAwait(false);
            return answer.StatusCode == HttpStatusCode.OK && TryParse(body) is { } json && json.Text("id") is { Length: > 0 } id
                ? new SubmittedRequest { Id = id, IsReplay = answer.Headers.TryGetValues("X-Cortex-Idempotent-Replay", out var replay) && replay.Contains("true"), Json = json }
                : throw ErrorOf(answer.StatusCode, body);
        }
        catch (HttpRequestException exception)
        {
            throw HttpCaller.IsUnsent(exception)
                ? CortexClient.ApiUnreachable(ApiName, url, exception)
                : new CortexException(ClientErrorKinds.SubmissionLost, $"the connection to {url} was lost ({HttpCaller.Reason(exception)}); whether the request was accepted is not known. Submit it again: with an idempotency key (`--idempotency-key`) it is never done twice", exception);
        }
    }

    /// <summary>Submits a request for each value, several at a time, in memory that does not grow with their number.</summary>
    /// <typeparam name="T">What is written as JSON.</typeparam>
    /// <param name="payloads">The payloads; one is asked for only when there is room for it.</param>
    /// <param name="type">How to write one, from a <see cref="System.Text.Json.Serialization.JsonSerializerContext"/>.</param>
    /// <param name="options">What each says beside, such as an idempotency key of its own; null for nothing.</param>
    /// <param name="concurrency">How many are on their way at a time, 1 or more.</param>
    /// <param name="cancellationToken">Stops; what is on its way may be accepted all the same.</param>
    /// <returns>What was accepted, in the order of the payloads. The first error ends it.</returns>
    public IAsyncEnumerable<SubmittedRequest> SubmitManyAsync<T>(
        IAsyncEnumerable<T> payloads, JsonTypeInfo<T> type, Func<T, SubmitOptions?>? options = null, int concurrency = 64, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(payloads);
        ArgumentOutOfRangeException.ThrowIfLessThan(concurrency, 1);
        return Sliding.RunAsync(payloads, concurrency, (payload, token) => SubmitAsync(payload, type, options?.Invoke(payload), token), cancellationToken);
    }

    /// <summary>The same of values that are there, or are made at once.</summary>
    /// <inheritdoc cref="SubmitManyAsync{T}(IAsyncEnumerable{T}, JsonTypeInfo{T}, Func{T, SubmitOptions?}?, int, CancellationToken)"/>
    public IAsyncEnumerable<SubmittedRequest> SubmitManyAsync<T>(
        IEnumerable<T> payloads, JsonTypeInfo<T> type, Func<T, SubmitOptions?>? options = null, int concurrency = 64, CancellationToken cancellationToken = default) =>
        SubmitManyAsync(payloads.ToAsyncEnumerable(), type, options, concurrency, cancellationToken);

    /// <summary>The state of a request, with its result.</summary>
    /// <param name="id">The request.</param>
    /// <param name="wait">The cluster answers when it is final or this time is up, in whole seconds; zero at once.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public async Task<RequestState> GetAsync(string id, TimeSpan wait = default, CancellationToken cancellationToken = default)
    {
        try
        {
            using var answer = await OpenStateAsync(id, wait, cancellationToken).ConfigureAwait(false);
            return await ReadStateAsync(answer, cancellationToken).ConfigureAwait(false);
        }
        catch (ApiUnavailableException exception)
        {
            throw exception.Error;
        }
    }

    /// <summary>Waits until a request is final, over restarts of the cluster that are not longer than a minute.</summary>
    /// <param name="id">The request.</param>
    /// <param name="timeout">How long; null for ten minutes, <see cref="Timeout.InfiniteTimeSpan"/> for as long as it takes.</param>
    /// <param name="cancellationToken">Stops waiting; the request goes on.</param>
    /// <returns>Its final state, which may be that it failed; see <see cref="RequestState.EnsureCompleted"/>.</returns>
    /// <exception cref="CortexException">The time is up (<see cref="ClientErrorKinds.TimedOut"/>).</exception>
    public async Task<RequestState> WaitAsync(string id, TimeSpan? timeout = null, CancellationToken cancellationToken = default)
    {
        var patience = timeout ?? TimeSpan.FromMinutes(10);
        return await FollowAsync(
            id,
            patience,
            LongPoll,
            async (answer, isLast) =>
            {
                var state = await ReadStateAsync(answer, cancellationToken).ConfigureAwait(false);
                return (state.IsFinal, state.IsFinal || !isLast ? state : throw new CortexException(ClientErrorKinds.TimedOut, $"{id} of {ApiName} is {state.Status} after {patience.TotalSeconds:0.###} s"));
            },
            onAbsence: null,
            cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Waits for the result of a request.</summary>
    /// <typeparam name="T">What the result is read as.</typeparam>
    /// <param name="id">The request.</param>
    /// <param name="type">How to read it, from a <see cref="System.Text.Json.Serialization.JsonSerializerContext"/>.</param>
    /// <param name="timeout">How long; null for ten minutes, <see cref="Timeout.InfiniteTimeSpan"/> for as long as it takes.</param>
    /// <param name="cancellationToken">Stops waiting; the request goes on.</param>
    /// <exception cref="CortexException">It failed or was cancelled (<see cref="ClientErrorKinds.RequestFailed"/>), or the time is up (<see cref="ClientErrorKinds.TimedOut"/>).</exception>
    /// <exception cref="JsonException">The result is of another shape.</exception>
    public async Task<T?> ResultAsync<T>(string id, JsonTypeInfo<T> type, TimeSpan? timeout = null, CancellationToken cancellationToken = default) =>
        (await WaitAsync(id, timeout, cancellationToken).ConfigureAwait(false)).EnsureCompleted().Deserialize(type);

    /// <summary>What the container answered, byte for byte, also when it was no JSON and the request has failed.</summary>
    /// <param name="id">The request.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <returns>The answer with its content type, whose body is still to be read and may be larger than memory; the caller disposes of it.</returns>
    public async Task<HttpResponseMessage> AnswerAsync(string id, CancellationToken cancellationToken = default)
    {
        try
        {
            var answer = await SendAsync(HttpMethod.Get, $"/{CortexClient.Escape(id)}/answer", _client.Options.AnswerTimeout, cancellationToken).ConfigureAwait(false);
            if (answer.StatusCode == HttpStatusCode.OK)
            {
                return answer;
            }

            using (answer)
            {
                throw ErrorOf(answer.StatusCode, await ReadAsync(answer, cancellationToken).ConfigureAwait(false));
            }
        }
        catch (ApiUnavailableException exception)
        {
            throw exception.Error;
        }
    }

    /// <summary>Cancels a request, also one in progress.</summary>
    /// <param name="id">The request.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <returns>Its id and status.</returns>
    public Task<RequestState> CancelAsync(string id, CancellationToken cancellationToken = default) => ChangeAsync(HttpMethod.Delete, $"/{CortexClient.Escape(id)}", cancellationToken);

    /// <summary>Puts a failed or cancelled request back into the queue.</summary>
    /// <param name="id">The request.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <returns>Its id and status.</returns>
    public Task<RequestState> RetryAsync(string id, CancellationToken cancellationToken = default) => ChangeAsync(HttpMethod.Post, $"/{CortexClient.Escape(id)}/retry", cancellationToken);

    /// <summary>All requests, newest first, fetched page by page. Only the operator tells ids, so that this needs the token.</summary>
    /// <param name="status">Only those in this state; null for all.</param>
    /// <param name="cancellationToken">Stops.</param>
    public async IAsyncEnumerable<RequestSummary> ListAsync(string? status = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await foreach (var page in PagesAsync(status, Page, cursor: null, all: true, cancellationToken).ConfigureAwait(false))
        {
            foreach (var request in page.Requests)
            {
                yield return RequestSummary.Read(request);
            }
        }
    }

    /// <summary>The pages of a list, one at a time; with <paramref name="all"/> to the last.</summary>
    internal async IAsyncEnumerable<RequestPage> PagesAsync(string? status, int limit, string? cursor, bool all, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // Says that it is no AsyncAPI, if so.
        await LocateAsync(cancellationToken).ConfigureAwait(false);
        do
        {
            var path = string.Create(CultureInfo.InvariantCulture, $"async/{CortexClient.Escape(ApiName)}?limit={limit}")
                + (status is null ? "" : $"&status={CortexClient.Escape(status)}")
                + (cursor is null ? "" : $"&cursor={CortexClient.Escape(cursor)}");
            var page = new RequestPage(await _client.AskAsync(HttpMethod.Get, path, WireJson.Contract.JsonElement, cancellationToken).ConfigureAwait(false));
            yield return page.IsOne ? page : throw new CortexException(ClientErrorKinds.UnknownAnswer, $"{ApiName} answered with something else than a list; compare `cortex version`");
            cursor = page.Cursor;
        }
        while (all && cursor is not null);
    }

    /// <summary>Asks for a request's state again and again, until enough is known.</summary>
    /// <param name="id">The request.</param>
    /// <param name="wait">How long to wait; zero not at all, <see cref="Timeout.InfiniteTimeSpan"/> for as long as it takes.</param>
    /// <param name="longPoll">How long one call waits at most.</param>
    /// <param name="read">Reads an answer, of which it is told whether it is the last, and says whether it is enough.</param>
    /// <param name="onAbsence">Is told when the cluster does not answer; may be null.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    internal async Task<T> FollowAsync<T>(
        string id, TimeSpan wait, TimeSpan longPoll, Func<HttpResponseMessage, bool, Task<(bool IsEnough, T Value)>> read, Action? onAbsence, CancellationToken cancellationToken)
    {
        var time = _client.Options.TimeProvider;
        var (began, seen) = (time.GetTimestamp(), time.GetTimestamp());
        TimeSpan Left() => wait == Timeout.InfiniteTimeSpan ? TimeSpan.MaxValue : wait - time.GetElapsedTime(began);
        while (true)
        {
            var left = Left();
            var poll = left <= TimeSpan.Zero ? TimeSpan.Zero : left < longPoll ? left : longPoll;
            var asked = time.GetTimestamp();
            try
            {
                using var answer = await OpenStateAsync(id, poll, cancellationToken).ConfigureAwait(false);
                var (isEnough, value) = await read(answer, Left() <= Nearly).ConfigureAwait(false);
                seen = time.GetTimestamp();
                if (isEnough)
                {
                    return value;
                }

                // A proxy that takes the wait away answers at once, and again at once.
                if (time.GetElapsedTime(asked) < AbsencePause)
                {
                    await Task.Delay(left < AbsencePause ? left : AbsencePause, time, cancellationToken).ConfigureAwait(false);
                }
            }
            catch (ApiUnavailableException exception)
            {
                if (wait == TimeSpan.Zero || left <= TimeSpan.Zero || time.GetElapsedTime(seen) > Absence)
                {
                    throw exception.Error;
                }

                onAbsence?.Invoke();
                await Task.Delay(AbsencePause, time, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    // The answer's body is still to be read; the caller disposes of it.
    private async Task<HttpResponseMessage> OpenStateAsync(string id, TimeSpan wait, CancellationToken cancellationToken)
    {
        var seconds = Math.Ceiling(wait.TotalSeconds);
        var query = seconds > 0 ? string.Create(CultureInfo.InvariantCulture, $"?wait={seconds}s") : "";
        var answer = await SendAsync(HttpMethod.Get, $"/{CortexClient.Escape(id)}{query}", wait + _client.Options.AnswerTimeout, cancellationToken).ConfigureAwait(false);
        if (answer.StatusCode == HttpStatusCode.OK)
        {
            return answer;
        }

        using (answer)
        {
            var error = ErrorOf(answer.StatusCode, await ReadAsync(answer, cancellationToken).ConfigureAwait(false));
            throw HttpCaller.IsBusy(answer.StatusCode) ? new ApiUnavailableException(error) : error;
        }
    }

    private async Task<RequestState> ChangeAsync(HttpMethod method, string path, CancellationToken cancellationToken)
    {
        try
        {
            using var answer = await SendAsync(method, path, _client.Options.AnswerTimeout, cancellationToken).ConfigureAwait(false);
            var body = await ReadAsync(answer, cancellationToken).ConfigureAwait(false);
            return answer.StatusCode == HttpStatusCode.OK && TryParse(body) is { } value ? new RequestState(value) : throw ErrorOf(answer.StatusCode, body);
        }
        catch (ApiUnavailableException exception)
        {
            throw exception.Error;
        }
    }

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var url = await LocateAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await _client.CallerOf(url).SendAsync(
                new HttpCall { Method = method, Address = new Uri(url + path), Timeout = timeout, IsRepeatable = method == HttpMethod.Get }, cancellationToken).ConfigureAwait(false);
        }
        catch (HttpRequestException exception)
        {
            throw new ApiUnavailableException(CortexClient.ApiUnreachable(ApiName, url, exception));
        }
    }

    // Where the API is. The first time the operator is asked.
    private async ValueTask<string> LocateAsync(CancellationToken cancellationToken)
    {
        if (_url is { } known)
        {
            return known;
        }

        var api = await _client.GetAsync(ApiName, cancellationToken: cancellationToken).ConfigureAwait(false);
        var kind = api.Metadata?.Kind ?? api.Spec?.Kind;
        if (kind != ApiKind.AsyncAPI)
        {
            throw new CortexException("resources.operation_is_only_supported_for_kind", $"{ApiName} is a {kind}; only AsyncAPIs have requests{(kind == ApiKind.RealtimeAPI ? $", and this one answers at once at {api.Endpoint}" : "")}");
        }

        var endpoint = api.Endpoint is { Length: > 0 } told ? told : throw OperatorErrors.Unknown(_client.Environment, $"does not say where {ApiName} is");
        return _url = ApiAddress.Of(_client.Environment, endpoint);
    }

    private static async Task<RequestState> ReadStateAsync(HttpResponseMessage answer, CancellationToken cancellationToken)
    {
        try
        {
            await answer.Content.LoadIntoBufferAsync(MaxResult, cancellationToken).ConfigureAwait(false);
            var reader = new Utf8JsonReader(await answer.Content.ReadAsByteArrayAsync(cancellationToken).ConfigureAwait(false), new JsonReaderOptions { MaxDepth = MaxDepth });
            return new RequestState(JsonElement.ParseValue(ref reader) is { ValueKind: JsonValueKind.Object } state ? state : throw new JsonException("the answer is not an object"));
        }
        catch (Exception exception) when (exception is JsonException or HttpRequestException or IOException)
        {
            throw Broken(exception);
        }
    }

    private static async Task<string> ReadAsync(HttpResponseMessage answer, CancellationToken cancellationToken)
    {
        try
        {
            return await ReadTextAsync(answer, cancellationToken).ConfigureAwait(false);
        }
        catch (HttpRequestException exception)
        {
            throw Broken(exception);
        }
    }

    private static CortexException Broken(Exception exception) =>
        new(ClientErrorKinds.BrokenAnswer, $"the answer broke off or is not Cortex's: {exception.Message}; ask again", exception);

    private static async Task<string> ReadTextAsync(HttpResponseMessage answer, CancellationToken cancellationToken)
    {
        await answer.Content.LoadIntoBufferAsync(MaxAnswer, cancellationToken).ConfigureAwait(false);
        return await answer.Content.ReadAsStringAsync(cancellationToken).ConfigureAwait(false);
    }

    private CortexException ErrorOf(HttpStatusCode status, string body)
    {
        var text = body.Trim();
        var said = text.StartsWith("error: ", StringComparison.Ordinal) ? text["error: ".Length..]
            : text.Length is > 0 and < 2048 ? $"{ApiName} answered with status {(int)status}: {text}"
            : $"{ApiName} answered with status {(int)status}";
        var hint = status switch
        {
            HttpStatusCode.NotFound => $"\n\nthe id may be wrong or its result may have expired; `cortex async list {ApiName}` shows what is there",
            HttpStatusCode.RequestEntityTooLarge => $"\n\nraise `queue: {{max_payload: ...}}` in the configuration of {ApiName} and deploy it again",
            HttpStatusCode.InsufficientStorage => "\n\nfree space on the disk of the cluster, and submit it again; nothing was stored",
            HttpStatusCode.ServiceUnavailable => "\n\ntry again shortly",
            _ => "",
        };
        return new CortexException(ClientErrorKinds.RequestRefused, said + hint);
    }

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
}
