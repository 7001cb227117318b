using Amazon.Runtime;
using Cortex.Background;

namespace Cortex.Queues.Blobs;

/// <summary>Makes the HTTP clients of S3 clients, so that what reads their answers never runs on a thread that serves sockets.</summary>
/// <remarks>
/// The SDK parses answers with blocking reads. Where completions run on the thread that saw them, as in the server, that
/// thread would wait for bytes that it alone can receive, and with it every socket that it serves.
/// </remarks>
public sealed class S3HttpClients : HttpClientFactory
{
    /// <inheritdoc/>
    public override HttpClient CreateHttpClient(IClientConfig clientConfig)
    {
        ArgumentNullException.ThrowIfNull(clientConfig);
        var sockets = new SocketsHttpHandler { ConnectCallback = PoolHop.ConnectAsync, AllowAutoRedirect = false, UseCookies = false };
        if (clientConfig.ConnectTimeout is { } connect)
        {
            sockets.ConnectTimeout = connect;
        }

        var client = new HttpClient(new ElsewhereHandler(sockets));
        if (clientConfig.Timeout is { } timeout)
        {
            client.Timeout = timeout;
        }

        return client;
    }

    // Objects are streamed, and read asynchronously; documents about them are small and come whole.
    private sealed class ElsewhereHandler(HttpMessageHandler inner) : DelegatingHandler(inner)
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var answer = await base.SendAsync(request, cancellationToken);
            try
            {
                if (!answer.IsSuccessStatusCode || answer.Content.Headers.ContentType?.MediaType is "application/xml" or "text/xml")
                {
                    await answer.Content.LoadIntoBufferAsync(cancellationToken);
                }
            }
            catch
            {
                answer.Dispose();
                throw;
            }

            await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            return answer;
        }
    }
}
