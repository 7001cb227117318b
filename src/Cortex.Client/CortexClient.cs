using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Cortex.Client.Calling;
using Cortex.Client.Deploying;
using Cortex.Client.Environments;
using Cortex.Client.Logs;
using Cortex.Core.Errors;
using Cortex.Core.Specs;
using Cortex.Core.Wire;

namespace Cortex.Client;

/// <summary>A Cortex cluster: its operator's HTTP API, and its APIs.</summary>
/// <remarks>
/// Thread-safe; one for the life of a program is enough. Every method throws <see cref="CortexException"/> when the cluster refuses, with its words and
/// kind, or can't be reached (<see cref="ClientErrorKinds"/>), and <see cref="OperationCanceledException"/> when it is cancelled. Every call ends:
/// <see cref="ClientOptions.AnswerTimeout"/>.
/// </remarks>
public sealed class CortexClient : IDisposable
{
    /// <summary>The longest upload.</summary>
    internal static readonly TimeSpan UploadTimeout = TimeSpan.FromHours(24);

    /// <summary>The longest wait for an answer to info, which is asked to learn whether the operator is there.</summary>
    private static readonly TimeSpan InfoTimeout = TimeSpan.FromSeconds(10);

    // What an operator on this machine knows at once is waited for on this thread: sooner than the code is ready that lets it go.
    private readonly bool _isNear;
    private readonly HttpCaller _operator;
    private readonly Dictionary<string, HttpCaller> _apis = [];
    private readonly Lock _lock = new();
    private bool _isDisposed;

    /// <summary>A client of an operator, whose certificate this machine has to trust.</summary>
    /// <param name="operatorEndpoint">Its address, such as <c>https://cortex.example.com</c> or <c>localhost:8888</c>.</param>
    /// <param name="token">What it asks for; null for nothing.</param>
    /// <exception cref="CortexException">That is no address.</exception>
    public CortexClient(string operatorEndpoint, string? token = null)
        : this(new CortexEnvironment { Name = operatorEndpoint, OperatorEndpoint = operatorEndpoint, Token = token })
    {
    }

    /// <summary>A client of an environment.</summary>
    /// <param name="environment">Whose operator it asks.</param>
    /// <param name="options">How it goes about it; null for the defaults.</param>
    /// <exception cref="CortexException">The environment's address or certificate is none.</exception>
    public CortexClient(CortexEnvironment environment, ClientOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(environment);
        Options = options ?? new ClientOptions();
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(Options.AnswerTimeout, TimeSpan.Zero, nameof(options));
        var address = OperatorEndpoint.Normalize(environment.OperatorEndpoint);
        Environment = address == environment.OperatorEndpoint ? environment : environment with { OperatorEndpoint = address };
        var url = new Uri(address);
        _isNear = url.IsLoopback;
        _operator = new HttpCaller(Options.Transport(url, Environment), Options);
    }

    /// <summary>Whose operator it asks.</summary>
    public CortexEnvironment Environment { get; }

    /// <summary>How it goes about its calls.</summary>
    internal ClientOptions Options { get; }

    /// <summary>A client of a named environment, or of the one to prefer: <see cref="CortexEnvironment.Find"/>.</summary>
    /// <param name="name">The environment; null for the one of the variables, or the default.</param>
    /// <exception cref="CortexException">There is none.</exception>
    public static CortexClient FromEnvironment(string? name = null) => new(CortexEnvironment.Find(name));

    /// <summary>Creates or updates the APIs of a configuration.</summary>
    /// <param name="yaml">The configuration: a list of APIs.</param>
    /// <param name="force">Also while an update is in progress.</param>
    /// <param name="cancellationToken">Stops waiting; the deployment may go on.</param>
    /// <returns>What came of each API; see <see cref="DeployResultExtensions.EnsureDeployed"/>.</returns>
    /// <exception cref="CortexException">All of it was refused; <see cref="CortexException.Places"/> has every mistake.</exception>
    public Task<IReadOnlyList<DeployResult>> DeployAsync(string yaml, bool force = false, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(yaml);
        return DeployAsync("cortex.yaml", Encoding.UTF8.GetBytes(yaml), force, cancellationToken);
    }

    /// <summary>Creates or updates the APIs of a configuration that is read from a stream.</summary>
    /// <param name="yaml">The configuration in UTF-8; it is left open.</param>
    /// <param name="fileName">What errors call it, such as <c>cortex.yaml</c>.</param>
    /// <param name="force">Also while an update is in progress.</param>
    /// <param name="cancellationToken">Stops waiting; the deployment may go on.</param>
    /// <returns>What came of each API; see <see cref="DeployResultExtensions.EnsureDeployed"/>.</returns>
    /// <exception cref="CortexException">All of it was refused; <see cref="CortexException.Places"/> has every mistake.</exception>
    public async Task<IReadOnlyList<DeployResult>> DeployAsync(Stream yaml, string fileName, bool force = false, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(yaml);
        using var content = new MemoryStream();
        await yaml.CopyToAsync(content, cancellationToken).ConfigureAwait(false);
        return await DeployAsync(fileName, content.ToArray(), force, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Creates or updates the APIs of a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="force">Also while an update is in progress.</param>
    /// <param name="cancellationToken">Stops waiting; the deployment may go on.</param>
    /// <returns>What came of each API; see <see cref="DeployResultExtensions.EnsureDeployed"/>.</returns>
    /// <exception cref="CortexException">All of it was refused; <see cref="CortexException.Places"/> has every mistake.</exception>
    /// <exception cref="IOException">The file can't be read.</exception>
    public async Task<IReadOnlyList<DeployResult>> DeployFileAsync(string path, bool force = false, CancellationToken cancellationToken = default) =>
        await DeployAsync(Path.GetFileName(path), await File.ReadAllBytesAsync(path, cancellationToken).ConfigureAwait(false), force, cancellationToken).ConfigureAwait(false);

    /// <summary>Deploys an earlier version of an API again.</summary>
    /// <param name="apiName">The API.</param>
    /// <param name="apiId">The version, as <see cref="ApiResponse.ApiVersions"/> has it; null for the one before.</param>
    /// <param name="force">Also while an update is in progress.</param>
    /// <param name="cancellationToken">Stops waiting; the deployment may go on.</param>
    public Task<IReadOnlyList<DeployResult>> RollbackAsync(string apiName, string? apiId = null, bool force = false, CancellationToken cancellationToken = default) =>
        AskAsync(HttpMethod.Post, $"rollback/{Escape(apiName)}?apiID={Escape(apiId ?? "")}&force={Text(force)}", WireJson.Contract.IReadOnlyListDeployResult, cancellationToken);

    /// <summary>All APIs, with names, kinds and replicas.</summary>
    /// <param name="cancellationToken">Stops waiting.</param>
    public Task<IReadOnlyList<ApiResponse>> GetAsync(CancellationToken cancellationToken = default) =>
        AskAsync(HttpMethod.Get, "get", WireJson.Contract.IReadOnlyListApiResponse, cancellationToken, soon: true);

    /// <summary>The same without the specifications, sooner.</summary>
    internal Task<IReadOnlyList<ApiResponse>> GetBrieflyAsync(CancellationToken cancellationToken) =>
        AskAsync(HttpMethod.Get, "get", WireJson.Brief.IReadOnlyListApiResponse, cancellationToken, soon: true);

    /// <summary>One API, with its specification, endpoint, versions and latest jobs.</summary>
    /// <param name="apiName">The API.</param>
    /// <param name="showEnv">Whether to tell the values of its environment variables, which are hidden otherwise.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public async Task<ApiResponse> GetAsync(string apiName, bool showEnv = false, CancellationToken cancellationToken = default) =>
        Single(await AskAsync(HttpMethod.Get, $"get/{Escape(apiName)}{(showEnv ? "?showEnv=true" : "")}", WireJson.Contract.IReadOnlyListApiResponse, cancellationToken, soon: true).ConfigureAwait(false));

    /// <summary>One API with its replicas by state, and why some are not ready.</summary>
    /// <param name="apiName">The API.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public async Task<ApiResponse> DescribeAsync(string apiName, CancellationToken cancellationToken = default) =>
        Single(await AskAsync(HttpMethod.Get, $"describe/{Escape(apiName)}", WireJson.Contract.IReadOnlyListApiResponse, cancellationToken, soon: true).ConfigureAwait(false));

    /// <summary>Waits until every wanted replica of a Realtime or Async API is ready and of the newest version.</summary>
    /// <param name="apiName">The API; one without replicas is ready at once.</param>
    /// <param name="timeout">How long; null for ten minutes, <see cref="Timeout.InfiniteTimeSpan"/> for as long as it takes.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <returns>The API, as <see cref="GetAsync(string, bool, CancellationToken)"/> gives it.</returns>
    /// <exception cref="CortexException">Its replicas fail (<see cref="ClientErrorKinds.ApiFailed"/>), or the time is up (<see cref="ClientErrorKinds.TimedOut"/>).</exception>
    public async Task<ApiResponse> WaitUntilReadyAsync(string apiName, TimeSpan? timeout = null, CancellationToken cancellationToken = default)
    {
        var patience = timeout ?? TimeSpan.FromMinutes(10);
        var api = (await ReadyWait.RunAsync(this, [apiName], patience, show: null, cancellationToken).ConfigureAwait(false))[0];
        return api.IsReady ? await GetAsync(apiName, cancellationToken: cancellationToken).ConfigureAwait(false)
            : throw new CortexException(
                api.HasFailed ? ClientErrorKinds.ApiFailed : ClientErrorKinds.TimedOut,
                (api.HasFailed ? $"{apiName} can't become ready ({api.State})" : $"{apiName} is not ready after {patience.TotalSeconds:0.###} s ({api.State})")
                + string.Concat(api.Reasons.Select(reason => $"\n  {reason}")));
    }

    /// <summary>Replaces all replicas of an API without changing it, and without losing a request.</summary>
    /// <param name="apiName">The API.</param>
    /// <param name="force">Also while an update is in progress.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public Task<MessageResponse> RefreshAsync(string apiName, bool force = false, CancellationToken cancellationToken = default) =>
        AskAsync(HttpMethod.Post, $"refresh/{Escape(apiName)}?force={Text(force)}", WireJson.Contract.MessageResponse, cancellationToken);

    /// <summary>Deletes an API.</summary>
    /// <param name="apiName">The API.</param>
    /// <param name="keepCache">Whether what is stored of it is kept.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public Task<MessageResponse> DeleteAsync(string apiName, bool keepCache = false, CancellationToken cancellationToken = default) =>
        AskAsync(HttpMethod.Delete, $"delete/{Escape(apiName)}?apiName={Escape(apiName)}&keepCache={Text(keepCache)}", WireJson.Contract.MessageResponse, cancellationToken);

    /// <summary>The log lines of an API's containers, or of a job's, as they are written.</summary>
    /// <param name="apiName">The API.</param>
    /// <param name="options">Which lines; null for what there is of all replicas.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public IAsyncEnumerable<string> LogsAsync(string apiName, LogOptions? options = null, CancellationToken cancellationToken = default) =>
        LogStream.LinesAsync(this, apiName, options ?? new LogOptions(), cancellationToken);

    /// <summary>What the operator tells of its cluster.</summary>
    /// <param name="cancellationToken">Stops waiting.</param>
    public Task<InfoResponse> InfoAsync(CancellationToken cancellationToken = default) =>
        AskAsync(HttpMethod.Get, "info", WireJson.Contract.InfoResponse, cancellationToken, timeout: InfoTimeout);

    /// <summary>The requests of an Async API.</summary>
    /// <param name="apiName">The API.</param>
    /// <param name="endpoint">Its URL; inside of a container its path, such as <c>/texts</c>. Null has the operator asked at the first call; containers with <c>client_access: none</c> can't.</param>
    public ApiRequests Requests(string apiName, string? endpoint = null) => new(this, apiName, endpoint);

    /// <summary>The jobs of a Batch or Task API.</summary>
    /// <param name="apiName">The API.</param>
    /// <param name="kind">Its kind. Null has the operator asked at the first call; containers with <c>client_access: none</c> can't.</param>
    public ApiJobs Jobs(string apiName, ApiKind? kind = null) => new(this, apiName, kind);

    /// <summary>Calls a Realtime API. Only GET and HEAD are repeated: what a container does with the others, only it knows.</summary>
    /// <param name="apiName">The API, or a traffic splitter.</param>
    /// <param name="method">The method.</param>
    /// <param name="pathAndQuery">What follows the API's endpoint, such as <c>/predict?verbose=1</c>; may be empty.</param>
    /// <param name="content">The body; null for none. The caller disposes of it.</param>
    /// <param name="endpoint">The API's URL; inside of a container its path. Null has the operator asked; containers with <c>client_access: none</c> can't.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <returns>The answer, whatever its status, whose body is still to be read; the caller disposes of it.</returns>
    public async Task<HttpResponseMessage> CallAsync(
        string apiName, HttpMethod method, string pathAndQuery = "", HttpContent? content = null, string? endpoint = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(method);
        var address = ApiAddress.Of(Environment, endpoint ?? await EndpointAsync(apiName, cancellationToken).ConfigureAwait(false)) + pathAndQuery;
        try
        {
            return await CallerOf(address).SendAsync(
                new HttpCall { Method = method, Address = new Uri(address), Content = content, Timeout = Options.AnswerTimeout, IsRepeatable = method == HttpMethod.Get || method == HttpMethod.Head },
                cancellationToken).ConfigureAwait(false);
        }
        catch (HttpRequestException exception)
        {
            throw ApiUnreachable(apiName, address, exception);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock)
        {
            _isDisposed = true;
            foreach (var caller in _apis.Values)
            {
                caller.Dispose();
            }

            _apis.Clear();
        }

        _operator.Dispose();
    }

    internal Task<IReadOnlyList<DeployResult>> DeployAsync(string fileName, byte[] content, bool force, CancellationToken cancellationToken)
    {
        var file = new ByteArrayContent(content);
        file.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        var form = new MultipartFormDataContent { { file, "config", fileName } };
        return AskAsync(HttpMethod.Post, $"deploy?configFileName={Escape(fileName)}&force={Text(force)}", WireJson.Contract.IReadOnlyListDeployResult, cancellationToken, form);
    }

    /// <summary>Checks that a Cortex operator answers at this address, whoever asks.</summary>
    internal async Task VerifyAsync(CancellationToken cancellationToken)
    {
        using var answer = await SendAsync(HttpMethod.Get, "verifycortex", null, InfoTimeout, cancellationToken).ConfigureAwait(false);
        var body = await answer.Content.ReadAsByteArrayAsync(cancellationToken).ConfigureAwait(false);
        if (answer.StatusCode != HttpStatusCode.OK || !IsJson(body))
        {
            throw new CortexException("cli.invalid_operator_endpoint", $"what answers at {Environment.OperatorEndpoint} is not a Cortex operator; check the address (`cortex cluster info` prints it)");
        }
    }

    /// <summary>Asks the operator whether it takes the environment's token, whatever else it has to say.</summary>
    internal async Task<TokenAnswer> CheckTokenAsync(CancellationToken cancellationToken)
    {
        using var answer = await SendAsync(HttpMethod.Get, "info", null, InfoTimeout, cancellationToken).ConfigureAwait(false);
        return answer.StatusCode is not (HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden) ? TokenAnswer.Accepted
            : Environment.Token is null ? TokenAnswer.Missing
            : TokenAnswer.Refused;
    }

    /// <summary>The headers that every request to an operator carries.</summary>
    internal IEnumerable<KeyValuePair<string, string>> Headers() => Environment.Token is { } token
        ? [new("CortexAPIVersion", ProductVersion.Current), new("Authorization", $"Bearer {token}")]
        : [new("CortexAPIVersion", ProductVersion.Current)];

    /// <summary>Asks the operator, and reads its answer.</summary>
    internal async Task<T> AskAsync<T>(
        HttpMethod method, string path, JsonTypeInfo<T> type, CancellationToken cancellationToken, HttpContent? content = null, TimeSpan? timeout = null, bool soon = false)
    {
        using var answer = await SendAsync(method, path, content, timeout ?? Options.AnswerTimeout, cancellationToken, soon).ConfigureAwait(false);
        var body = await answer.Content.ReadAsByteArrayAsync(cancellationToken).ConfigureAwait(false);
        if (answer.StatusCode != HttpStatusCode.OK)
        {
            throw OperatorErrors.Of(answer.StatusCode, body, Environment);
        }

        try
        {
            return JsonSerializer.Deserialize(body, type) ?? throw new JsonException("null");
        }
        catch (JsonException exception)
        {
            throw OperatorErrors.Unknown(Environment, $"answered with something else than expected ({exception.Message})", exception);
        }
    }

    /// <summary>Asks the operator, and gives its whole answer: the timeout covers the body too.</summary>
    internal async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, HttpContent? content, TimeSpan timeout, CancellationToken cancellationToken, bool soon = false)
    {
        var call = new HttpCall
        {
            Method = method,
            Address = new Uri($"{Environment.OperatorEndpoint}/{path}"),
            Headers = Headers(),
            Content = content,
            Timeout = timeout,
            Completion = HttpCompletionOption.ResponseContentRead,
            IsRepeatable = method == HttpMethod.Get,
            OnThisThread = soon && _isNear,
        };
        try
        {
            return await _operator.SendAsync(call, cancellationToken).ConfigureAwait(false);
        }
        catch (HttpRequestException exception)
        {
            throw OperatorErrors.Unreachable(Environment, exception);
        }
    }

    /// <summary>Where the operator says that an API is.</summary>
    internal async Task<string> EndpointAsync(string apiName, CancellationToken cancellationToken)
    {
        var api = await GetAsync(apiName, cancellationToken: cancellationToken).ConfigureAwait(false);
        return api.Endpoint is { Length: > 0 } endpoint ? endpoint : throw OperatorErrors.Unknown(Environment, $"does not say where {apiName} is");
    }

    /// <summary>What sends calls to an API. All that are at one address share connections.</summary>
    internal HttpCaller CallerOf(string url)
    {
        var address = new Uri(url);
        var origin = address.GetLeftPart(UriPartial.Authority);
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            if (!_apis.TryGetValue(origin, out var caller))
            {
                _apis[origin] = caller = new HttpCaller(Options.Transport(address, Environment), Options);
            }

            return caller;
        }
    }

    /// <summary>An API can't be reached, or is not who it should be.</summary>
    internal static CortexException ApiUnreachable(string apiName, string address, Exception cause) => CertificateRefusedException.Find(cause) is { } refused
        ? refused.ToError()
        : new CortexException(ClientErrorKinds.ApiUnreachable, $"failed to connect to {apiName} at {address}: {HttpCaller.Reason(cause)}\n\n`cortex cluster health` says whether its cluster runs", cause);

    internal static string Escape(string text) => Uri.EscapeDataString(text);

    private ApiResponse Single(IReadOnlyList<ApiResponse> apis) => apis is [var api, ..] ? api : throw OperatorErrors.Unknown(Environment, "answered with an empty list");

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

    private static string Text(bool value) => value ? "true" : "false";
}
