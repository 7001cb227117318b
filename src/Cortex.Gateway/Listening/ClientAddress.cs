using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Cortex.Gateway.Listening;

/// <summary>Who counts as one client: an IPv4 address, or the /64 network of IPv6 that one customer of a provider gets.</summary>
/// <param name="Prefix">The address, or the network's bits.</param>
/// <param name="IsIPv6">Which of both.</param>
internal readonly record struct ClientAddress(ulong Prefix, bool IsIPv6)
{
    /// <summary>Null for what has no IP address.</summary>
    public static ClientAddress? Of(EndPoint? endPoint)
    {
        if (endPoint is not IPEndPoint { Address: var address })
        {
            return null;
        }

        address = Networks.Plain(address);
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out _);
        return address.AddressFamily == AddressFamily.InterNetworkV6
            ? new ClientAddress(BinaryPrimitives.ReadUInt64BigEndian(bytes), IsIPv6: true)
            : new ClientAddress(BinaryPrimitives.ReadUInt32BigEndian(bytes), IsIPv6: false);
    }
}
