using System.Net;
using System.Net.Sockets;

namespace Cortex.Client.Calling;

/// <summary>Sends calls to one address, again where that does nothing twice.</summary>
internal sealed class HttpCaller(HttpMessageHandler transport, ClientOptions options) : IDisposable
{
    private const int Repeats = 3;

    private readonly HttpClient _http = new(transport) { Timeout = Timeout.InfiniteTimeSpan };

    /// <summary>Sends a call and gives its answer, whatever the status. The caller disposes of it, and of the call's content.</summary>
    /// <exception cref="HttpRequestException">There was no answer; a <see cref="TimeoutException"/> inside says that the time was up.</exception>
    public async Task<HttpResponseMessage> SendAsync(HttpCall call, CancellationToken cancellationToken)
    {
        for (var repeat = 0; ; repeat++)
        {
            var isLast = !options.Retries || repeat == Repeats;
            try
            {
                var answer = await SendOnceAsync(call, isFirst: repeat == 0, cancellationToken).ConfigureAwait(false);
                if (isLast || !call.IsRepeatable || !IsBusy(answer.StatusCode))
                {
                    return answer;
                }

                answer.Dispose();
            }
            catch (HttpRequestException exception) when (!isLast && exception.GetBaseException() is not TimeoutException && CertificateRefusedException.Find(exception) is null
                && (call.IsRepeatable || IsUnsent(exception)))
            {
                // Once more, after the pause.
            }

            await Task.Delay(Pause(repeat), options.TimeProvider, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Whether there was no connection, so that nothing was sent.</summary>
    public static bool IsUnsent(HttpRequestException exception) =>
        exception.HttpRequestError is HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError
        || exception.GetBaseException() is SocketException { SocketErrorCode: SocketError.ConnectionRefused }
        || CertificateRefusedException.Find(exception) is not null;

    /// <summary>Whether a status says "not now".</summary>
    public static bool IsBusy(HttpStatusCode status) => status is HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable;

    /// <summary>Why there was no answer, in a few words.</summary>
    public static string Reason(Exception exception) => exception.GetBaseException().Message;

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private static TimeSpan Pause(int repeat) => repeat switch
    {
        0 => TimeSpan.FromMilliseconds(100),
        1 => TimeSpan.FromMilliseconds(400),
        _ => TimeSpan.FromSeconds(1),
    };

    private async Task<HttpResponseMessage> SendOnceAsync(HttpCall call, bool isFirst, CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(call.Timeout, options.TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);

        // Not disposed of: that would dispose of the content, which may have to be sent again.
        var request = new HttpRequestMessage(call.Method, call.Address) { Content = call.Content };
        foreach (var (name, value) in call.Headers)
        {
            // The content has its own from the first time on.
            if (!request.Headers.TryAddWithoutValidation(name, value) && isFirst)
            {
                call.Content?.Headers.TryAddWithoutValidation(name, value);
            }
        }

        try
        {
            return call.OnThisThread ? _http.Send(request, call.Completion, either.Token) : await _http.SendAsync(request, call.Completion, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            var late = $"no answer within {call.Timeout.TotalSeconds:0} s";
            throw deadline.IsCancellationRequested
                ? new HttpRequestException(late, new TimeoutException(late))
                : new HttpRequestException(HttpRequestError.ConnectionError, "no connection", exception);
        }
    }
}
