using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Cortex.Gateway.Replicas;

/// <summary>Makes the system end a connection whose other end is gone without a word, as after the loss of its network.</summary>
internal static class LostPeer
{
    private const int Tcp = 6;
    private const int TcpInfo = 11;
    private const int TcpUserTimeout = 18;

    // Of tcpi_bytes_acked in the kernel's struct tcp_info.
    private const int BytesAckedOffset = 120;
    private const int Probes = 3;

    /// <summary>Asks a silent peer's system for a sign of life, so that waiting for an answer ends within the timeout.</summary>
    public static void Watch(Socket socket, TimeSpan timeout)
    {
        var seconds = Math.Max(1, (int)timeout.TotalSeconds / (Probes + 1));
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, seconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, seconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, Probes);
    }

    /// <summary>
    /// Bounds the wait for an acknowledgement of sent bytes; zero leaves it to the system, some 15 minutes. The bound
    /// also ends a connection whose peer takes no more bytes for as long, so it does not suit long bodies.
    /// </summary>
    public static void BoundSending(Socket socket, TimeSpan timeout)
    {
        if (OperatingSystem.IsLinux())
        {
            Span<byte> milliseconds = stackalloc byte[sizeof(int)];
            MemoryMarshal.Write(milliseconds, (int)timeout.TotalMilliseconds);
            socket.SetRawSocketOption(Tcp, TcpUserTimeout, milliseconds);
        }
    }

    /// <summary>How many of the sent bytes the peer's system has acknowledged; null where the system does not tell.</summary>
    public static long? AcknowledgedBytes(Socket socket)
    {
        Span<byte> info = stackalloc byte[BytesAckedOffset + sizeof(ulong)];
        try
        {
            // The opening of the connection counts as one byte.
            return OperatingSystem.IsLinux() && socket.GetRawSocketOption(Tcp, TcpInfo, info) == info.Length
                ? MemoryMarshal.Read<long>(info[BytesAckedOffset..]) - 1
                : null;
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            return null;
        }
    }
}
