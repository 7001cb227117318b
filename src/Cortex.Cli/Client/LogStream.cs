using System.Net;
using System.Net.WebSockets;
using System.Text;
using Cortex.Cli.Environments;
using Cortex.Core.Errors;

namespace Cortex.Cli.Client;

/// <summary>Copies log lines from the operator's web socket.</summary>
internal static class LogStream
{
    private const int BufferSize = 16 * 1024;

    /// <summary>How long the operator has to answer our goodbye.</summary>
    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(1);

    /// <summary>Returns when the operator says that the logs have ended.</summary>
    public static async Task CopyAsync(CliHost host, CliEnvironment environment, LogQuery query, TextWriter output, CancellationToken cancellationToken)
    {
        var address = new Uri($"{environment.OperatorEndpoint}/{query.ToPath()}");
        using var socket = new ClientWebSocket();
        await ConnectAsync(host, environment, socket, address, cancellationToken);

        // Cancelling a receive tears the connection down, so the copy is left to run until we have said goodbye.
        var copying = CopyAsync(socket, output);
        try
        {
            await copying.WaitAsync(cancellationToken);
        }
        catch (WebSocketException exception)
        {
            throw new CortexException("cli.operator_socket_read", $"the connection to the operator of the {environment.Name} environment was lost: {exception.GetBaseException().Message}; run the command again to go on", exception);
        }
        catch (OperationCanceledException) when (socket.State == WebSocketState.Open)
        {
            using var deadline = new CancellationTokenSource(CloseTimeout, host.Time);
            await Task.WhenAll(socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, deadline.Token), copying)
                .WaitAsync(deadline.Token)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw;
        }
    }

    private static async Task ConnectAsync(CliHost host, CliEnvironment environment, ClientWebSocket socket, Uri address, CancellationToken cancellationToken)
    {
        OperatorClient.AddHeaders(
            (name, value) =>
            {
                socket.Options.SetRequestHeader(name, value);
                return true;
            },
            environment);
        var refusal = new RefusalReader(host.OpenTransport(address, environment));
        using var invoker = new HttpMessageInvoker(refusal);
        try
        {
            await socket.ConnectAsync(new UriBuilder(address) { Scheme = address.Scheme == "https" ? "wss" : "ws" }.Uri, invoker, cancellationToken);
        }
        catch (WebSocketException exception)
        {
            throw refusal.Status is { } status ? OperatorClient.ErrorOf(status, refusal.Body, environment) : OperatorClient.Unreachable(environment, exception);
        }
    }

    private static async Task CopyAsync(ClientWebSocket socket, TextWriter output)
    {
        var buffer = new byte[BufferSize];
        var characters = new char[Encoding.UTF8.GetMaxCharCount(BufferSize)];
        var decoder = Encoding.UTF8.GetDecoder();
        var lineIsOpen = false;
        while (true)
        {
            var received = await socket.ReceiveAsync(buffer.AsMemory(), CancellationToken.None);
            if (received.MessageType == WebSocketMessageType.Close)
            {
                await CheckCloseAsync(socket);
                return;
            }

            var count = decoder.GetChars(buffer.AsSpan(0, received.Count), characters, flush: received.EndOfMessage);
            await output.WriteAsync(characters.AsMemory(0, count));
            lineIsOpen = count > 0 ? characters[count - 1] != '\n' : lineIsOpen;
            if (received.EndOfMessage && lineIsOpen)
            {
                await output.WriteAsync('\n');
                lineIsOpen = false;
            }
        }
    }

    private static async Task CheckCloseAsync(ClientWebSocket socket)
    {
        var (status, reason) = (socket.CloseStatus, socket.CloseStatusDescription);
        if (socket.State == WebSocketState.CloseReceived)
        {
            await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
        }

        if (status is not (WebSocketCloseStatus.NormalClosure or WebSocketCloseStatus.Empty))
        {
            throw new CortexException("cli.operator_socket_read", $"the operator ended the logs: {(string.IsNullOrEmpty(reason) ? $"close code {(int?)status}" : reason)}");
        }
    }

    /// <summary>Keeps what the operator says when it refuses the upgrade; the web socket only tells the status.</summary>
    private sealed class RefusalReader(HttpMessageHandler inner) : DelegatingHandler(inner)
    {
        public HttpStatusCode? Status { get; private set; }

        public byte[] Body { get; private set; } = [];

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var answer = await base.SendAsync(request, cancellationToken);
            if (answer.StatusCode != HttpStatusCode.SwitchingProtocols)
            {
                Status = answer.StatusCode;
                Body = await answer.Content.ReadAsByteArrayAsync(cancellationToken);
            }

            return answer;
        }
    }
}
