using System.Net.Sockets;

namespace Cortex.Runtimes.Probes;

/// <summary>Checks that go over the network. One instance serves every pod: a check costs one short connection.</summary>
internal sealed class NetworkChecks : IDisposable
{
    private readonly HttpMessageInvoker _http = new(new SocketsHttpHandler
    {
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
        ActivityHeadersPropagator = null,
    });

    /// <summary>Good on a status from 200 to 399; redirects are not followed.</summary>
    public async Task<ProbeResult> HttpAsync(PodAddress address, string path, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri($"http://{address.Host}:{address.Port}{path}"));
        request.Headers.ConnectionClose = true;
        request.Headers.TryAddWithoutValidation("User-Agent", "kube-probe/1.0");
        try
        {
            using var answer = await _http.SendAsync(request, cancellationToken);
            var status = (int)answer.StatusCode;
            return status is >= 200 and < 400 ? ProbeResult.Good : ProbeResult.Bad($"GET {path} on port {address.Port} answered {status}");
        }
        catch (HttpRequestException error)
        {
            return ProbeResult.Bad($"GET {path} on port {address.Port}: {(error.InnerException ?? error).Message}");
        }
    }

    // How long a relay needs to notice that nobody listens behind it; it is on this machine.
    private static readonly TimeSpan _relayNotices = TimeSpan.FromMilliseconds(100);

    /// <summary>Good when the port accepts a connection and, behind a relay, keeps it.</summary>
    /// <param name="address">Where.</param>
    /// <param name="relayed">
    /// Whether the engine's own relay is there: it accepts every connection and closes it when nobody listens behind it.
    /// </param>
    /// <param name="time">The clock of the wait for such a close.</param>
    /// <param name="cancellationToken">Ends the check.</param>
    public static async Task<ProbeResult> TcpAsync(PodAddress address, bool relayed, TimeProvider time, CancellationToken cancellationToken)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(address.Host, address.Port, cancellationToken);
            if (relayed && await IsClosedAsync(socket, time, cancellationToken))
            {
                return ProbeResult.Bad($"port {address.Port}: nobody listens in the pod");
            }

            // An orderly end: closing without it may reset the connection, which servers log as an error at every probe.
            socket.Shutdown(SocketShutdown.Both);
            return ProbeResult.Good;
        }
        catch (SocketException error)
        {
            return ProbeResult.Bad($"port {address.Port}: {error.Message}");
        }
    }

    public void Dispose() => _http.Dispose();

    private static async Task<bool> IsClosedAsync(Socket socket, TimeProvider time, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(_relayNotices, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        try
        {
            return await socket.ReceiveAsync(new byte[1], SocketFlags.Peek, either.Token) == 0;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }
}
