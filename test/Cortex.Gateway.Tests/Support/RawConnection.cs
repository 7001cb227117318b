using System.Net.Sockets;
using System.Text;

namespace Cortex.Gateway.Tests.Support;

/// <summary>One connection whose bytes the test reads and writes itself, as Latin-1.</summary>
internal sealed class RawConnection : IDisposable
{
    private readonly Stream _stream;
    private readonly Socket? _socket;
    private readonly Action? _reset;
    private readonly List<byte> _unread = [];

    public RawConnection(Socket socket) => (_socket, _stream) = (socket, new NetworkStream(socket, ownsSocket: true));

    /// <summary>A connection that is no socket.</summary>
    public RawConnection(Stream stream, Action reset) => (_stream, _reset) = (stream, reset);

    public Task SendAsync(string text) => SendAsync(Encoding.Latin1.GetBytes(text));

    public Task SendAsync(ReadOnlyMemory<byte> bytes) => _stream.WriteAsync(bytes).AsTask().WithinLimit();

    /// <summary>Reads a head up to its empty line, which is left out; null at the end of the stream.</summary>
    public async Task<string?> ReadHeadAsync() => await ReadUntilAsync("\r\n\r\n");

    /// <summary>Reads up to a mark, which is left out; null when the stream ends before.</summary>
    public async Task<string?> ReadUntilAsync(string mark)
    {
        while (true)
        {
            var text = Encoding.Latin1.GetString([.. _unread]);
            var end = text.IndexOf(mark, StringComparison.Ordinal);
            if (end >= 0)
            {
                _unread.RemoveRange(0, end + mark.Length);
                return text[..end];
            }

            if (!await FillAsync())
            {
                return null;
            }
        }
    }

    public async Task<string> ReadAsync(int count)
    {
        while (_unread.Count < count)
        {
            Assert.True(await FillAsync(), "the connection was closed");
        }

        var text = Encoding.Latin1.GetString([.. _unread[..count]]);
        _unread.RemoveRange(0, count);
        return text;
    }

    /// <summary>Everything until the peer closes its side properly.</summary>
    public async Task<string> ReadToEndAsync()
    {
        while (await FillAsync())
        {
        }

        return Encoding.Latin1.GetString([.. _unread]);
    }

    /// <summary>Whether the connection is reset rather than closed properly.</summary>
    public async Task<bool> IsResetAsync()
    {
        try
        {
            await ReadToEndAsync();
            return false;
        }
        catch (IOException)
        {
            return true;
        }
    }

    /// <summary>Everything until the peer is gone in one way or the other.</summary>
    public async Task<string> ReadRestAsync()
    {
        try
        {
            return await ReadToEndAsync();
        }
        catch (IOException)
        {
            return Encoding.Latin1.GetString([.. _unread]);   // a reset is an end too
        }
    }

    public void Reset()
    {
        _reset?.Invoke();
        if (_socket is not null)
        {
            _socket.LingerState = new LingerOption(true, 0);
            _socket.Close();
        }
    }

    public void EndSending() => _socket!.Shutdown(SocketShutdown.Send);

    public void Dispose() => _stream.Dispose();

    private async Task<bool> FillAsync()
    {
        var buffer = new byte[16 * 1024];
        var count = await _stream.ReadAsync(buffer).AsTask().WithinLimit();
        _unread.AddRange(buffer.AsSpan(0, count));
        return count > 0;
    }
}
