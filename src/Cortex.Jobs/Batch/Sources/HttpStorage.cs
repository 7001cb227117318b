using System.Net;
using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using System.Text;
using Cortex.Background;
using Cortex.Core.Errors;
using Cortex.Core.Units;

namespace Cortex.Jobs.Batch.Sources;

/// <summary>Single files on web servers: <c>http://</c> and <c>https://</c>, on the hosts that the operator of the cluster allows.</summary>
internal sealed class HttpStorage : ISourceStorage, IDisposable
{
    private const int MostRedirects = 5;

    private readonly bool _allowsAll;
    private readonly List<AllowedHost> _allowed;
    private readonly string _allowedText;
    private readonly Retry _retry;
    private readonly HttpMessageInvoker _http;

    public HttpStorage(SourceOptions options, Retry retry)
    {
        _allowsAll = options.HttpHosts.Contains("*");
        _allowed = [.. options.HttpHosts.Select(AllowedHost.Parse)];
        _allowedText = options.HttpHosts.Count == 0 ? "none are allowed in the cluster's configuration" : string.Join(", ", options.HttpHosts);
        _retry = retry;
        _http = new HttpMessageInvoker(new SocketsHttpHandler
        {
            ConnectCallback = PoolHop.ConnectAsync,
            AllowAutoRedirect = false,   // each host on the way must be allowed
            AutomaticDecompression = DecompressionMethods.None,
            UseCookies = false,
            ConnectTimeout = options.ReadTimeout,
        });
    }

    /// <inheritdoc/>
    public bool Owns(string path) => path.StartsWith("http://", StringComparison.Ordinal) || path.StartsWith("https://", StringComparison.Ordinal);

    /// <inheritdoc/>
    public void Check(string path)
    {
        if (!Uri.TryCreate(path, UriKind.Absolute, out var address) || address.Host.Length == 0 || Encoding.UTF8.GetByteCount(path) > SourceFile.MaxPathBytes)
        {
            throw new CortexException(BatchErrorKinds.InvalidPath, $"\"{path}\" is no URL of at most {SourceFile.MaxPathBytes} bytes");
        }

        CheckHost(path, address);
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<SourceFile> ListAsync(string path, string? after, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (after is null && await FindAsync(path, cancellationToken) is { } file)
        {
            yield return file;
        }
    }

    /// <inheritdoc/>
    public Task<SourceFile?> FindAsync(string path, CancellationToken cancellationToken) =>
        _retry.RunAsync<SourceFile?>($"read {path}", async token =>
        {
            // Many servers answer HEAD wrongly or not at all; the body of this GET is not read.
            using var answer = await GetAsync(path, 0, token);
            return answer.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.Gone
                ? null
                : new WebFile(this) { Path = path, Tag = TagOf(answer), Length = answer.Content.Headers.ContentLength };
        }, cancellationToken);

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private void CheckHost(string path, Uri address)
    {
        var host = address.Host.Trim('[', ']');
        if (!_allowsAll && !_allowed.Exists(allowed => allowed.Host.Equals(host, StringComparison.OrdinalIgnoreCase) && allowed.Allows(address.Port)))
        {
            throw new CortexException(BatchErrorKinds.PathNotAllowed, $"{path}: {address.Host}:{address.Port} is none of the hosts that jobs may read from: {_allowedText}");
        }
    }

    private async Task<HttpResponseMessage> GetAsync(string path, long offset, CancellationToken cancellationToken)
    {
        var address = new Uri(path);
        for (var redirects = 0; redirects <= MostRedirects; redirects++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, address);
            request.Headers.AcceptEncoding.Add(new StringWithQualityHeaderValue("identity"));
            if (offset > 0)
            {
                request.Headers.Range = new RangeHeaderValue(offset, null);
            }

            var answer = await _http.SendAsync(request, cancellationToken);
            if ((int)answer.StatusCode is not (301 or 302 or 303 or 307 or 308) || answer.Headers.Location is not { } location)
            {
                return Accept(answer);
            }

            answer.Dispose();
            address = new Uri(address, location);
            if (!Owns(address.ToString()))
            {
                throw new CortexException(BatchErrorKinds.PathNotAllowed, $"{path} leads to {address}, which is neither http nor https");
            }

            CheckHost(path, address);
        }

        throw new CortexException(BatchErrorKinds.Other, $"{path} leads on more than {MostRedirects} times");
    }

    private static HttpResponseMessage Accept(HttpResponseMessage answer)
    {
        if (answer.StatusCode is HttpStatusCode.OK or HttpStatusCode.PartialContent or HttpStatusCode.NotFound or HttpStatusCode.Gone or HttpStatusCode.RequestedRangeNotSatisfiable)
        {
            return answer;
        }

        var status = answer.StatusCode;
        answer.Dispose();
        throw new HttpRequestException($"the server answered {(int)status}", null, status);
    }

    private static string? TagOf(HttpResponseMessage answer)
    {
        var tag = answer.Headers.ETag is { IsWeak: false } strong ? strong.Tag : answer.Content.Headers.LastModified?.ToString("O");
        return tag?.Length <= 200 ? tag : null;
    }

    private sealed class WebFile(HttpStorage storage) : SourceFile
    {
        public override async Task<OpenedFile> OpenAsync(long offset, CancellationToken cancellationToken)
        {
            if (offset > 0 && offset == Length)
            {
                return new(Stream.Null, offset);   // servers refuse an empty range
            }

            var answer = await storage.GetAsync(Path, offset, cancellationToken);
            try
            {
                if (answer.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.Gone)
                {
                    throw SourceErrors.Gone(Path);
                }

                if (TagOf(answer) != Tag || answer.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
                {
                    throw SourceErrors.Changed(Path);
                }

                if (answer.Content.Headers.ContentEncoding.Count > 0)
                {
                    throw new CortexException(BatchErrorKinds.Other, $"can't read {Path}: the server sends it encoded ({string.Join(", ", answer.Content.Headers.ContentEncoding)}) although it was asked not to");
                }

                var content = await answer.Content.ReadAsStreamAsync(cancellationToken);
                var from = answer.StatusCode == HttpStatusCode.OK ? 0 : answer.Content.Headers.ContentRange?.From;   // some servers know no ranges
                return new(content, from <= offset ? from.Value : throw new IOException("the server sent another part than it was asked for"));
            }
            catch
            {
                answer.Dispose();
                throw;
            }
        }
    }
}
