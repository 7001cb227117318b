using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Cortex.Async.Tests.Support;

/// <summary>A client whose bytes the test writes and reads itself, as Latin-1.</summary>
internal sealed class RawClient : IDisposable
{
    private readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly List<byte> _unread = [];

    public static async Task<RawClient> SendAsync(IPEndPoint endPoint, string text)
    {
        var client = new RawClient();
        await client._socket.ConnectAsync(endPoint).WaitAsync(Eventually.Limit);
        await client.SendAsync(text);
        return client;
    }

    public async Task SendAsync(string text) => await _socket.SendAsync(Encoding.Latin1.GetBytes(text)).WaitAsync(Eventually.Limit);

    /// <summary>Reads up to a mark, which is left out; what there is when the peer closes before.</summary>
    public async Task<string> ReadUntilAsync(string mark)
    {
        var buffer = new byte[16 * 1024];
        while (true)
        {
            var text = Encoding.Latin1.GetString([.. _unread]);
            var end = text.IndexOf(mark, StringComparison.Ordinal);
            if (end >= 0)
            {
                _unread.RemoveRange(0, end + mark.Length);
                return text[..end];
            }

            var count = await _socket.ReceiveAsync(buffer).WaitAsync(Eventually.Limit);
            if (count == 0)
            {
                return text;
            }

            _unread.AddRange(buffer.AsSpan(0, count));
        }
    }

    public Task<string> ReadHeadAsync() => ReadUntilAsync("\r\n\r\n");

    /// <summary>Ends the connection as a killed client does.</summary>
    public void Reset()
    {
        _socket.LingerState = new LingerOption(true, 0);
        _socket.Close();
    }

    public void Dispose() => _socket.Dispose();
}
