using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Cortex.Background;

namespace Cortex.Runtimes.Docker.Engine;

/// <summary>A client of the Docker Engine API over its unix socket; Podman's socket speaks the same.</summary>
/// <remarks>
/// Every call that is not a stream is bounded by the call timeout. An error answer becomes an <see cref="EngineException"/>
/// with the engine's words, a broken connection a <see cref="RuntimeUnavailableException"/>.
/// </remarks>
internal sealed partial class DockerEngine : IDisposable
{
    /// <summary>The oldest API that has all we use (Docker 20.10).</summary>
    private static readonly Version _oldest = new(1, 41);

    /// <summary>The newest API whose answers are known to fit our models.</summary>
    private static readonly Version _newest = new(1, 51);

    private static readonly TimeSpan _pingTimeout = TimeSpan.FromSeconds(10);

    private readonly string _socketPath;
    private readonly TimeSpan _callTimeout;
    private readonly TimeProvider _time;
    private readonly HttpMessageInvoker _http;
    private readonly EnginePace _pace;
    private string _prefix = "";

    /// <param name="socketPath">Where it listens.</param>
    /// <param name="callTimeout">The longest that a call may take.</param>
    /// <param name="time">The clock.</param>
    /// <param name="parallel">Starts, signals and removals that it is asked for at a time, at most.</param>
    public DockerEngine(string socketPath, TimeSpan callTimeout, TimeProvider time, int parallel = 16)
    {
        Health = new EngineHealth(time);
        _pace = new EnginePace(parallel, time);
        _socketPath = socketPath;
        _callTimeout = callTimeout;
        _time = time;
        _http = new HttpMessageInvoker(new SocketsHttpHandler
        {
            ConnectCallback = ConnectAsync,
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
        });
    }

    /// <summary>What is known of how it fares.</summary>
    public EngineHealth Health { get; }

    /// <summary>Agrees on an API version with the engine.</summary>
    /// <exception cref="RuntimeUnavailableException">It can't be reached or is too old; the message says how to mend it.</exception>
    public async Task<EngineVersion> ConnectAsync(CancellationToken cancellationToken)
    {
        var named = await PingAsync(cancellationToken);
        if (!Version.TryParse(named, out var offered))
        {
            throw new RuntimeUnavailableException($"what listens on {_socketPath} is no Docker Engine: it does not name its API version");
        }

        if (offered < _oldest)
        {
            throw new RuntimeUnavailableException(
                $"Docker Engine's API is {offered}, but at least {_oldest} is needed: update Docker to 20.10 or newer");
        }

        _prefix = $"/v{(offered < _newest ? offered : _newest)}";
        return await GetAsync("/version", EngineJson.Default.EngineVersion, cancellationToken);
    }

    /// <summary>Asks whether the engine is there, which costs it next to nothing and is answered within ten seconds or not at all.</summary>
    /// <returns>The newest version of its API; null when it names none.</returns>
    public async Task<string?> PingAsync(CancellationToken cancellationToken)
    {
        var began = _time.GetUtcNow();
        try
        {
            return await BoundedAsync("ping", _pingTimeout < _callTimeout ? _pingTimeout : _callTimeout, async token =>
            {
                using var answer = await SendAsync(HttpMethod.Get, "/_ping", null, token);
                return answer.Headers.TryGetValues("Api-Version", out var values) ? values.First() : null;
            }, cancellationToken);
        }
        catch (RuntimeUnavailableException error)
        {
            Health.IsUnreachable(began, error.InnerException is OperationCanceledException ? null : error.Message);
            throw;
        }
    }

    /// <summary>What the machine has.</summary>
    public Task<EngineInfo> InfoAsync(CancellationToken cancellationToken) =>
        GetAsync("/info", EngineJson.Default.EngineInfo, cancellationToken);

    /// <summary>
    /// Ends and halts of containers (die, oom, destroy, pause, unpause) and of networks (disconnect, destroy), also those of others, until the
    /// connection breaks or the caller cancels.
    /// </summary>
    /// <param name="connected">Called once the engine has begun to send: nothing that happens later is missed.</param>
    /// <param name="cancellationToken">Ends the stream.</param>
    public async IAsyncEnumerable<EngineEvent> EventsAsync(
        Action connected, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var filters = Filters(
            ("type", "container"), ("type", EngineEvent.Network), ("event", "die"), ("event", "oom"), ("event", "destroy"),
            ("event", "pause"), ("event", "unpause"), ("event", EngineEvent.Disconnect));
        using var answer = await SendAsync(HttpMethod.Get, $"/events?filters={filters}", null, cancellationToken);
        connected();
        await foreach (var line in ReadLinesAsync(answer, EngineJson.Default.EngineEvent, cancellationToken))
        {
            yield return line;
        }
    }

    public void Dispose() => _http.Dispose();

    private static string Filters(params (string Name, string Value)[] filters) => Uri.EscapeDataString(JsonSerializer.Serialize(
        filters.GroupBy(f => f.Name).ToDictionary(g => g.Key, g => g.Select(f => f.Value).ToArray()),
        EngineJson.Default.DictionaryStringStringArray));

    private static ByteArrayContent Json<T>(T value, JsonTypeInfo<T> type)
    {
        var content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(value, type));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        return content;
    }

    private Task<T> GetAsync<T>(string path, JsonTypeInfo<T> type, CancellationToken cancellationToken) =>
        BoundedAsync(path, async token =>
        {
            using var answer = await SendAsync(HttpMethod.Get, path, null, token);
            return await ReadAsync(answer, type, token);
        }, cancellationToken);

    private Task<T> PostAsync<T>(string path, HttpContent content, JsonTypeInfo<T> type, CancellationToken cancellationToken) =>
        BoundedAsync(path, async token =>
        {
            using var answer = await SendAsync(HttpMethod.Post, path, content, token);
            return await ReadAsync(answer, type, token);
        }, cancellationToken);

    private Task<bool> CallAsync(HttpMethod method, string path, HttpContent? content, CancellationToken cancellationToken) =>
        BoundedAsync($"{method} {path}", async token =>
        {
            using var answer = await SendAsync(method, path, content, token);
            return true;
        }, cancellationToken);

    private Task<T> BoundedAsync<T>(string what, Func<CancellationToken, Task<T>> call, CancellationToken cancellationToken) =>
        BoundedAsync(what, _callTimeout, call, cancellationToken);

    private async Task<T> BoundedAsync<T>(string what, TimeSpan timeout, Func<CancellationToken, Task<T>> call, CancellationToken cancellationToken)
    {
        using var limit = new CallLimit(timeout, _time, cancellationToken);
        var number = Health.Begin(what.Split('?')[0]);
        bool? answered = null;
        try
        {
            var result = await call(limit.Token);
            answered = true;
            return result;
        }
        catch (EngineException)
        {
            answered = true;
            throw;
        }
        catch (OperationCanceledException error) when (limit.TimedOut && !cancellationToken.IsCancellationRequested)
        {
            answered = false;
            throw new RuntimeUnavailableException(
                $"Docker Engine did not answer within {timeout.TotalSeconds:0} s. Look into its log (journalctl -u docker).", error);
        }
        finally
        {
            Health.End(number, answered);
        }
    }

    private async Task<HttpResponseMessage> SendAsync(
        HttpMethod method, string path, HttpContent? content, CancellationToken cancellationToken, string? registryAuth = null)
    {
        using var request = new HttpRequestMessage(method, new Uri($"http://docker{_prefix}{path}")) { Content = content };
        if (registryAuth is not null)
        {
            request.Headers.TryAddWithoutValidation("X-Registry-Auth", registryAuth);
        }

        HttpResponseMessage answer;
        try
        {
            answer = await _http.SendAsync(request, cancellationToken);
        }
        catch (HttpRequestException error)
        {
            throw error.InnerException as RuntimeUnavailableException ?? Broken(error);
        }

        if (answer.IsSuccessStatusCode || answer.StatusCode is HttpStatusCode.NotModified)
        {
            return answer;
        }

        using (answer)
        {
            throw new EngineException(answer.StatusCode, await ReadErrorAsync(answer, cancellationToken));
        }
    }

    private async Task<T> ReadAsync<T>(HttpResponseMessage answer, JsonTypeInfo<T> type, CancellationToken cancellationToken)
    {
        try
        {
            await using var body = await answer.Content.ReadAsStreamAsync(cancellationToken);
            return await JsonSerializer.DeserializeAsync(body, type, cancellationToken)
                ?? throw new RuntimeUnavailableException($"Docker Engine sent null for {answer.RequestMessage?.RequestUri}");
        }
        catch (Exception error) when (error is IOException or HttpRequestException or JsonException)
        {
            throw Broken(error);
        }
    }

    private async IAsyncEnumerable<T> ReadLinesAsync<T>(
        HttpResponseMessage answer, JsonTypeInfo<T> type, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var body = await answer.Content.ReadAsStreamAsync(cancellationToken);
        using var reader = new StreamReader(body, Encoding.UTF8);
        while (true)
        {
            T? value;
            try
            {
                if (await reader.ReadLineAsync(cancellationToken) is not { } line)
                {
                    yield break;
                }

                value = string.IsNullOrWhiteSpace(line) ? default : JsonSerializer.Deserialize(line, type);
            }
            catch (Exception error) when (error is IOException or HttpRequestException or JsonException)
            {
                throw Broken(error);
            }

            if (value is not null)
            {
                yield return value;
            }
        }
    }

    private static async Task<string> ReadErrorAsync(HttpResponseMessage answer, CancellationToken cancellationToken)
    {
        try
        {
            var text = await answer.Content.ReadAsStringAsync(cancellationToken);
            return JsonSerializer.Deserialize(text, EngineJson.Default.ErrorAnswer)?.Message ?? text;
        }
        catch (Exception error) when (error is JsonException or IOException or HttpRequestException)
        {
            return $"Docker Engine answered {(int)answer.StatusCode} without saying why";
        }
    }

    private RuntimeUnavailableException Broken(Exception error) =>
        new($"the connection to Docker Engine at {_socketPath} broke: {error.Message}. Check that it runs (docker version).", error);

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(_socketPath), cancellationToken).OnPoolAsync();
            return new PoolStream(new NetworkStream(socket, ownsSocket: true));
        }
        catch (SocketException error)
        {
            socket.Dispose();
            throw new RuntimeUnavailableException(EngineTrouble.Explain(_socketPath, File.Exists(_socketPath), error.SocketErrorCode), error);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
