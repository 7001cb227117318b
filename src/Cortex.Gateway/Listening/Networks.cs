using System.Net;

namespace Cortex.Gateway.Listening;

/// <summary>Addresses and networks of addresses.</summary>
public sealed class Networks
{
    private readonly IPNetwork[] _networks;

    /// <summary>Takes addresses and networks such as <c>10.0.0.0/8</c>.</summary>
    /// <exception cref="ArgumentException">A text is neither; the message names it.</exception>
    public Networks(IEnumerable<string> texts) => _networks = [.. texts.Select(Parse)];

    /// <summary>Whether an address is one of them, or in one of them.</summary>
    public bool Contains(IPAddress? address)
    {
        if (_networks.Length == 0 || address is null)
        {
            return false;
        }

        var plain = Plain(address);
        return Array.Exists(_networks, network => network.Contains(plain));
    }

    /// <summary>An address without its IPv6 clothes: IPv4 clients look like that where IPv6 is listened on.</summary>
    internal static IPAddress Plain(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;

    private static IPNetwork Parse(string text)
    {
        if (IPAddress.TryParse(text, out var address))
        {
            address = Plain(address);
            return new IPNetwork(address, address.GetAddressBytes().Length * 8);
        }

        return IPNetwork.TryParse(text, out var network) ? network
            : throw new ArgumentException($"\"{text}\" is no address and no network such as 10.0.0.0/8");
    }
}
