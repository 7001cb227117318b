using System.Net;
using System.Net.WebSockets;
using System.Runtime.CompilerServices;
using System.Text;
using Cortex.Client.Calling;
using Cortex.Core.Errors;

namespace Cortex.Client.Logs;

/// <summary>Reads log lines from the operator's web socket.</summary>
internal static class LogStream
{
    private const int BufferSize = 16 * 1024;

    /// <summary>Characters; a longer line comes in pieces.</summary>
    private const int LongestLine = 1024 * 1024;

    /// <summary>How long the operator has to answer our goodbye.</summary>
    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(1);

    /// <summary>The lines, without their ends.</summary>
    public static async IAsyncEnumerable<string> LinesAsync(CortexClient client, string apiName, LogOptions options, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var open = new StringBuilder();
        await foreach (var chunk in ChunksAsync(client, apiName, options, cancellationToken).ConfigureAwait(false))
        {
            var rest = chunk;
            for (int end; (end = rest.Span.IndexOf('\n')) >= 0; rest = rest[(end + 1)..])
            {
                yield return open.Append(rest.Span[..end]).ToString();
                open.Clear();
            }

            open.Append(rest.Span);
            if (open.Length >= LongestLine)
            {
                yield return open.ToString();
                open.Clear();
            }
        }
    }

    /// <summary>The text as it comes; each piece is valid until the next is asked for. Ends when the operator says that the logs have ended.</summary>
    public static async IAsyncEnumerable<ReadOnlyMemory<char>> ChunksAsync(
        CortexClient client, string apiName, LogOptions options, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var address = new Uri($"{client.Environment.OperatorEndpoint}/{options.ToPath(apiName)}");
        using var socket = new ClientWebSocket();
        await ConnectAsync(client, socket, address, cancellationToken).ConfigureAwait(false);
        var buffer = new byte[BufferSize];
        var characters = new char[Encoding.UTF8.GetMaxCharCount(BufferSize) + 1];
        var decoder = Encoding.UTF8.GetDecoder();
        var lineIsOpen = false;
        Task<ValueWebSocketReceiveResult>? receiving = null;
        try
        {
            while (true)
            {
                // Cancelling a receive tears the connection down, so it is left to run until we have said goodbye.
                receiving = socket.ReceiveAsync(buffer.AsMemory(), CancellationToken.None).AsTask();
                var received = await WaitAsync(client, receiving, cancellationToken).ConfigureAwait(false);
                receiving = null;
                if (received.MessageType == WebSocketMessageType.Close)
                {
                    await CheckCloseAsync(socket, cancellationToken).ConfigureAwait(false);
                    yield break;
                }

                var count = decoder.GetChars(buffer.AsSpan(0, received.Count), characters, flush: received.EndOfMessage);
                lineIsOpen = count > 0 ? characters[count - 1] != '\n' : lineIsOpen;
                if (received.EndOfMessage && lineIsOpen)
                {
                    characters[count++] = '\n';
                    lineIsOpen = false;
                }

                yield return characters.AsMemory(0, count);
            }
        }
        finally
        {
            if (socket.State == WebSocketState.Open)
            {
                await SayGoodbyeAsync(client, socket, receiving, buffer).ConfigureAwait(false);
            }
        }
    }

    private static async Task ConnectAsync(CortexClient client, ClientWebSocket socket, Uri address, CancellationToken cancellationToken)
    {
        foreach (var (name, value) in client.Headers())
        {
            socket.Options.SetRequestHeader(name, value);
        }

        var refusal = new RefusalReader(client.Options.Transport(address, client.Environment));
        using var invoker = new HttpMessageInvoker(refusal);
        try
        {
            await socket.ConnectAsync(new UriBuilder(address) { Scheme = address.Scheme == "https" ? "wss" : "ws" }.Uri, invoker, cancellationToken).ConfigureAwait(false);
        }
        catch (WebSocketException exception)
        {
            throw refusal.Status is { } status ? OperatorErrors.Of(status, refusal.Body, client.Environment) : OperatorErrors.Unreachable(client.Environment, exception);
        }
    }

    private static async Task<ValueWebSocketReceiveResult> WaitAsync(CortexClient client, Task<ValueWebSocketReceiveResult> receiving, CancellationToken cancellationToken)
    {
        try
        {
            return await receiving.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (WebSocketException exception)
        {
            throw new CortexException("cli.operator_socket_read", $"the connection to the operator of the {client.Environment.Name} environment was lost: {exception.GetBaseException().Message}; run the command again to go on", exception);
        }
    }

    private static async Task CheckCloseAsync(ClientWebSocket socket, CancellationToken cancellationToken)
    {
        var (status, reason) = (socket.CloseStatus, socket.CloseStatusDescription);
        if (socket.State == WebSocketState.CloseReceived)
        {
            await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, cancellationToken).ConfigureAwait(false);
        }

        if (status is not (WebSocketCloseStatus.NormalClosure or WebSocketCloseStatus.Empty))
        {
            throw new CortexException("cli.operator_socket_read", $"the operator ended the logs: {(string.IsNullOrEmpty(reason) ? $"close code {(int?)status}" : reason)}");
        }
    }

    // Whoever leaves before the end has the operator know at once.
    private static async Task SayGoodbyeAsync(CortexClient client, ClientWebSocket socket, Task<ValueWebSocketReceiveResult>? receiving, byte[] buffer)
    {
        using var deadline = new CancellationTokenSource(CloseTimeout, client.Options.TimeProvider);
        await Task.WhenAll(socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, deadline.Token), DrainAsync(socket, receiving, buffer))
            .WaitAsync(deadline.Token)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private static async Task DrainAsync(ClientWebSocket socket, Task<ValueWebSocketReceiveResult>? receiving, byte[] buffer)
    {
        while ((await (receiving ?? socket.ReceiveAsync(buffer.AsMemory(), CancellationToken.None).AsTask()).ConfigureAwait(false)).MessageType != WebSocketMessageType.Close)
        {
            receiving = null;
        }
    }

    /// <summary>Keeps what the operator says when it refuses the upgrade; the web socket only tells the status.</summary>
    private sealed class RefusalReader(HttpMessageHandler inner) : DelegatingHandler(inner)
    {
        public HttpStatusCode? Status { get; private set; }

        public byte[] Body { get; private set; } = [];

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var answer = await base.SendAsync(request, cancellationToken).ConfigureAwait(false);
            if (answer.StatusCode != HttpStatusCode.SwitchingProtocols)
            {
                Status = answer.StatusCode;
                Body = await answer.Content.ReadAsByteArrayAsync(cancellationToken).ConfigureAwait(false);
            }

            return answer;
        }
    }
}
