using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Cortex.Gateway.Tests.Support;

/// <summary>One HTTP/2 connection whose frames the test writes and reads itself.</summary>
internal sealed class RawHttp2(Socket socket) : IDisposable
{
    public const byte Data = 0, Headers = 1, Reset = 3, Settings = 4, Ping = 6, GoAway = 7, WindowUpdate = 8, Continuation = 9;
    public const byte EndStream = 1, EndHeaders = 4, Ack = 1;
    private readonly NetworkStream _stream = new(socket, ownsSocket: true);

    /// <summary>Connects and sends the preface with empty settings.</summary>
    public static async Task<RawHttp2> OpenAsync(IPEndPoint endPoint)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(endPoint).WithinLimit();
        var connection = new RawHttp2(socket);
        await connection.SendAsync("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray());
        await connection.SendAsync(Frame(Settings, 0, 0, []));
        return connection;
    }

    public static byte[] Frame(byte type, byte flags, int stream, ReadOnlySpan<byte> payload)
    {
        var frame = new byte[9 + payload.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, payload.Length << 8);
        (frame[3], frame[4]) = (type, flags);
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        payload.CopyTo(frame.AsSpan(9));
        return frame;
    }

    /// <summary>A HEADERS frame whose fields are literals.</summary>
    public static byte[] Request(int stream, string method, string path, bool endStream, params (string Name, string Value)[] more)
    {
        var block = new List<byte>();
        foreach (var (name, value) in new[] { (":method", method), (":scheme", "http"), (":path", path), (":authority", "test"), }.Concat(more))
        {
            block.Add(0);
            Append(block, name);
            Append(block, value);
        }

        return Frame(Headers, (byte)(EndHeaders | (endStream ? EndStream : 0)), stream, [.. block]);

        static void Append(List<byte> block, string text)
        {
            Assert.True(text.Length < 127);
            block.Add((byte)text.Length);
            block.AddRange(Encoding.ASCII.GetBytes(text));
        }
    }

    public Task SendAsync(ReadOnlyMemory<byte> bytes) => _stream.WriteAsync(bytes).AsTask().WithinLimit();

    /// <summary>The next frame; null when the connection is closed or reset.</summary>
    public async Task<(byte Type, byte Flags, int Stream, byte[] Payload)?> ReadAsync()
    {
        var head = new byte[9];
        try
        {
            await _stream.ReadExactlyAsync(head).AsTask().WithinLimit();
            var payload = new byte[BinaryPrimitives.ReadInt32BigEndian(head) >>> 8];
            await _stream.ReadExactlyAsync(payload).AsTask().WithinLimit();
            return (head[3], head[4], BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(5)), payload);
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>Reads up to a frame of one stream and one of some types; null when the connection ends before.</summary>
    public async Task<(byte Type, byte Flags, int Stream, byte[] Payload)?> ReadAsync(int stream, params byte[] types)
    {
        while (await ReadAsync() is { } frame)
        {
            if (frame.Stream == stream && types.Contains(frame.Type))
            {
                return frame;
            }
        }

        return null;
    }

    /// <summary>Reads the status of a stream's answer; null when the stream or the connection ends without one.</summary>
    /// <remarks>Understands what the server sends first: an indexed field of HPACK's static table, or a literal.</remarks>
    public async Task<int?> ReadStatusAsync(int stream)
    {
        if (await ReadAsync(stream, Headers, Reset) is not { Type: Headers, Payload: var block })
        {
            return null;
        }

        return (block[0] & 0x7F) switch
        {
            8 when block[0] >= 0x80 => 200,
            9 when block[0] >= 0x80 => 204,
            12 when block[0] >= 0x80 => 400,
            13 when block[0] >= 0x80 => 404,
            14 when block[0] >= 0x80 => 500,
            _ => int.Parse(Encoding.ASCII.GetString(block.AsSpan(2, 3)), System.Globalization.CultureInfo.InvariantCulture),
        };
    }

    /// <summary>Reads until the connection ends.</summary>
    public async Task ReadToEndAsync()
    {
        while (await ReadAsync() is not null)
        {
        }
    }

    public void Dispose() => _stream.Dispose();
}
