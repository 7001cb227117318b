using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Cortex.Gateway.Routing;
using Cortex.Routing;

namespace Cortex.Gateway.Tests.Strangers;

/// <summary>
/// Answers each request with bytes that follow from its token, framed and timed in a way that follows from it too: well, oddly, or wrong.
/// What it never does is to send, unasked and after the end of an answer with clear framing, something that looks like another answer just
/// when the next request has come: nobody could tell that from an answer to it.
/// </summary>
internal sealed class MisbehavingReplica : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentDictionary<Socket, Task> _serving = [];
    private readonly Task _accepting;
    private int _connections;

    public MisbehavingReplica()
    {
        _listener.Start(1000);
        _accepting = AcceptAsync();
    }

    public ReplicaAddress Address => new("r1", "127.0.0.1", ((IPEndPoint)_listener.LocalEndpoint).Port);

    /// <summary>How many connections were made to it.</summary>
    public int Connections => Volatile.Read(ref _connections);

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await _accepting;
        foreach (var socket in _serving.Keys)
        {
            socket.Dispose();
        }

        await Task.WhenAll(_serving.Values);
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var socket = await _listener.AcceptSocketAsync();
                socket.NoDelay = true;
                Interlocked.Increment(ref _connections);
                var serving = Task.Run(() => ServeAsync(socket));
                _serving[socket] = serving;
                _ = serving.ContinueWith(_ => _serving.TryRemove(socket, out Task? _), TaskScheduler.Default);
            }
        }
        catch (Exception e) when (e is SocketException or InvalidOperationException)
        {
            // Stopped.
        }
    }

    private static async Task ServeAsync(Socket socket)
    {
        try
        {
            using (socket)
            {
                await new Conversation(socket).RunAsync();
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The gateway had enough.
        }
    }

    private sealed class Conversation(Socket socket)
    {
        private readonly byte[] _input = new byte[64 * 1024];
        private int _length;

        public async Task RunAsync()
        {
            while (await ReadRequestAsync() is { } request)
            {
                if (!await AnswerAsync(request.Method, request.Token))
                {
                    return;
                }
            }
        }

        /// <summary>Reads a whole request; null at the end.</summary>
        private async Task<(string Method, Token Token)?> ReadRequestAsync()
        {
            int end;
            while ((end = _input.AsSpan(0, _length).IndexOf("\r\n\r\n"u8)) < 0)
            {
                if (!await FillAsync())
                {
                    return null;
                }
            }

            var head = Encoding.Latin1.GetString(_input, 0, end);
            var line = head[..head.IndexOf('\r', StringComparison.Ordinal)].Split(' ');
            var mark = head.IndexOf("\r\nContent-Length: ", StringComparison.OrdinalIgnoreCase);
            var body = mark < 0 ? 0 : int.Parse(head.AsSpan(mark + 18).ToString().Split('\r')[0], CultureInfo.InvariantCulture);
            Drop(end + 4);
            while (body > 0)
            {
                if (_length == 0 && !await FillAsync())
                {
                    return null;
                }

                var count = Math.Min(body, _length);
                body -= count;
                Drop(count);
            }

            return (line[0], new Token(line[1].TrimStart('/')));
        }

        private void Drop(int count)
        {
            _input.AsSpan(count, _length - count).CopyTo(_input);
            _length -= count;
        }

        private async Task<bool> FillAsync()
        {
            var count = await socket.ReceiveAsync(_input.AsMemory(_length));
            _length += count;
            return count > 0;
        }

        /// <summary>False when the connection is over.</summary>
        private async Task<bool> AnswerAsync(string method, Token token)
        {
            var random = token.Random;
            var isHead = method == "HEAD";
            if (isHead)
            {
                return await BodilessAsync(random, token, "200 OK");
            }

            switch (random.Next(80))
            {
                case 0:
                    return false;
                case 1:
                    socket.LingerState = new LingerOption(true, 0);
                    return false;
                case 2:
                    await SendAsync(random, "no HTTP at all\r\n\r\n");
                    return true;
                case 3:
                    await SendAsync(random, Head(token, "200 OK", "Content-Length: 1\r\nContent-Length: 2\r\n") + "ab");
                    return true;
                case 4:
                    await SendAsync(random, Head(token, "200 OK", "Content-Length: 500\r\n") + Text(token, 100));   // too short
                    return false;
                case 5:
                    await SendAsync(random, Head(token, "200 OK", "Transfer-Encoding: chunked\r\n") + "64\r\n" + Text(token, 100) + "\r\nxyz\r\n");
                    return true;
                case 6 or 7 or 8:
                    return await BodilessAsync(random, token, random.Next(3) switch { 0 => "204 No Content", 1 => "205 Reset Content", _ => "304 Not Modified" });
                case 9:
                    // An interim answer with a body, which is read as the answer; the answer itself comes too late.
                    await SendAsync(random, "HTTP/1.1 103 Early Hints\r\nContent-Length: 999\r\n\r\n" + Sized(token, 10));
                    return await PerhapsPoisonAsync(random, token);
                case 10:
                    await SendAsync(random, "HTTP/1.1 100 Continue\r\n\r\n" + Sized(token, 10));
                    return await PerhapsPoisonAsync(random, token);
                case 11:
                    await socket.SendAsync(Bytes(Sized(token, random.Next(3000)) + Sized(new Token("surplus"), 7)));
                    return true;
                case 12:
                    await socket.SendAsync(Bytes(Chunked(random, token, random.Next(3000)) + "\r\n" + Sized(new Token("surplus"), 7)));
                    return true;
                case 13:
                    await SendAsync(random, Sized(token, 10) + "some more of it");
                    return true;
                case 14:
                    await SendAsync(random, Sized(token, 10));
                    await Task.Delay(random.Next(3));
                    await socket.SendAsync(Bytes("some more of it"));   // another request has to suffer for this, but gets no byte of it
                    return true;
                case 15:
                    await SendAsync(random, Head(token, "200 OK", "") + Text(token, random.Next(2000)));   // to its end
                    return false;
                case 16:
                    await SendAsync(random, Sized(token, 30).Replace("HTTP/1.1", "HTTP/1.0", StringComparison.Ordinal));
                    return false;
                case 17:
                    await SendAsync(random, Head(token, "200 OK", "Connection: close\r\nContent-Length: 30\r\n") + Text(token, 30));
                    return await PerhapsPoisonAsync(random, token);
                case 18:
                    await SendAsync(random, Sized(token, 30).Replace("\r\n", "\n", StringComparison.Ordinal));
                    return true;
                case < 45:
                    await SendAsync(random, Chunked(random, token, Length(random)));
                    return true;
                default:
                    await SendAsync(random, Sized(token, Length(random)));
                    return true;
            }
        }

        /// <summary>Answers where HTTP allows no body, and perhaps sends one.</summary>
        private async Task<bool> BodilessAsync(Random random, Token token, string status)
        {
            var framing = random.Next(4) switch { 0 => "Content-Length: 0\r\n", 1 => "Content-Length: 200\r\n", 2 => "Transfer-Encoding: chunked\r\n", _ => "" };
            await SendAsync(random, Head(token, status, framing));
            return framing.Contains(": 0", StringComparison.Ordinal) || await PerhapsPoisonAsync(random, token);
        }

        /// <summary>Sends an answer that nobody asked for, at the worst time: when another request has come.</summary>
        private async Task<bool> PerhapsPoisonAsync(Random random, Token token)
        {
            if (random.Next(3) == 0)
            {
                return true;
            }

            await (random.Next(2) == 0 ? Task.Delay(random.Next(3)) : ReadRequestAsync());
            await socket.SendAsync(Bytes(Sized(token, 20)));
            return random.Next(2) == 0;
        }

        /// <summary>Sends in one piece, or in several with pauses of all kinds between them.</summary>
        private async Task SendAsync(Random random, string text)
        {
            var bytes = Bytes(text);
            while (bytes.Length > 0)
            {
                var count = random.Next(3) switch { 0 => bytes.Length, 1 => 1 + random.Next(Math.Min(bytes.Length, 20)), _ => 1 + random.Next(bytes.Length) };
                await socket.SendAsync(bytes[..count]);
                bytes = bytes[count..];
                if (random.Next(4) == 0)
                {
                    await Task.Yield();
                }
                else if (random.Next(40) == 0)
                {
                    await Task.Delay(1);
                }
            }
        }

        private static ReadOnlyMemory<byte> Bytes(string text) => Encoding.Latin1.GetBytes(text);

        private static string Text(Token token, int length) => Encoding.Latin1.GetString(token.Body(length));

        private static string Head(Token token, string status, string framing) =>
            $"HTTP/1.1 {status}\r\n{Token.Header}: {token.Text}\r\n{framing}\r\n";

        private static string Sized(Token token, int length) =>
            Head(token, "200 OK", $"X-Length: {length}\r\nContent-Length: {length}\r\n") + Text(token, length);

        private static string Chunked(Random random, Token token, int length)
        {
            var body = Text(token, length);
            var text = new StringBuilder(Head(token, "200 OK", $"X-Length: {length}\r\nTransfer-Encoding: chunked\r\n"));
            var end = random.Next(5) == 0 ? "\n" : "\r\n";
            for (var start = 0; start < length;)
            {
                var count = 1 + random.Next(Math.Min(length - start, 5000));
                text.Append(CultureInfo.InvariantCulture, $"{count:x}{(random.Next(5) == 0 ? ";x=y" : "")}{end}").Append(body, start, count).Append(end);
                start += count;
            }

            return text.Append("0" + end).Append(random.Next(5) == 0 ? $"X-Trailer: {token.Text}{end}" : "").Append(end).ToString();
        }

        private static int Length(Random random) => random.Next(10) switch { 0 => 0, 1 => 1, 2 => random.Next(100_000), _ => random.Next(1000) };
    }
}
