using System.Net;
using System.Net.Sockets;
using Cortex.Core.Units;

namespace Cortex.Async.Callbacks;

/// <summary>
/// Which callback targets may be called: a client must not reach through this server what it cannot reach itself. Pure;
/// names are judged again by their addresses when a connection is made.
/// </summary>
internal sealed class TargetRules
{
    private static readonly IPNetwork[] Refused =
    [
        IPNetwork.Parse("0.0.0.0/8"),         // this host
        IPNetwork.Parse("10.0.0.0/8"),        // private
        IPNetwork.Parse("100.64.0.0/10"),     // shared with a provider
        IPNetwork.Parse("127.0.0.0/8"),       // loopback
        IPNetwork.Parse("169.254.0.0/16"),    // link-local, where clouds serve credentials
        IPNetwork.Parse("172.16.0.0/12"),     // private
        IPNetwork.Parse("192.0.0.0/24"),      // protocol assignments
        IPNetwork.Parse("192.168.0.0/16"),    // private
        IPNetwork.Parse("198.18.0.0/15"),     // benchmarks
        IPNetwork.Parse("224.0.0.0/4"),       // multicast
        IPNetwork.Parse("240.0.0.0/4"),       // reserved, broadcast
        IPNetwork.Parse("::/128"),            // unspecified
        IPNetwork.Parse("::1/128"),           // loopback
        IPNetwork.Parse("100::/64"),          // discard
        IPNetwork.Parse("fc00::/7"),          // private
        IPNetwork.Parse("fe80::/10"),         // link-local
        IPNetwork.Parse("fec0::/10"),         // site-local
        IPNetwork.Parse("ff00::/8"),          // multicast
    ];

    // Where the bytes of an IPv4 address lie within an IPv6 address that leads to it.
    private static readonly (IPNetwork Network, int Offset)[] Embedding =
    [
        (IPNetwork.Parse("::/96"), 12),           // IPv4-compatible
        (IPNetwork.Parse("::ffff:0:0/96"), 12),   // IPv4-mapped
        (IPNetwork.Parse("::ffff:0:0:0/96"), 12), // IPv4-translated
        (IPNetwork.Parse("64:ff9b::/96"), 12),    // NAT64
        (IPNetwork.Parse("2002::/16"), 2),        // 6to4
    ];

    private readonly bool _allowAll;
    private readonly List<AllowedHost> _allowedHosts = [];
    private readonly List<(IPNetwork Network, AllowedHost Ports)> _allowedNetworks = [];

    /// <summary>Takes the exceptions that the options make.</summary>
    public TargetRules(CallbackOptions options)
    {
        _allowAll = options.AllowPrivateTargets;
        foreach (var target in options.AllowedTargets.Select(AllowedHost.Parse))
        {
            if (TryParseNetwork(target.Host, out var network))
            {
                _allowedNetworks.Add((network, target));
            }
            else
            {
                _allowedHosts.Add(target);
            }
        }
    }

    /// <summary>Whether a text can be in <see cref="CallbackOptions.AllowedTargets"/>.</summary>
    public static bool IsTarget(string text) => AllowedHost.Parse(text) is var (host, _) && (TryParseNetwork(host, out _) || Uri.CheckHostName(host) == UriHostNameType.Dns);

    /// <summary>Why a URL cannot be a target, as far as it can be told without looking up its host; null when it can.</summary>
    public string? Refusal(string url, out Uri? target)
    {
        const string What = "must be an absolute http or https URL of at most 2048 characters";
        if (url.Length > 2048 || !Uri.TryCreate(url, UriKind.Absolute, out target)
            || (target.Scheme != Uri.UriSchemeHttp && target.Scheme != Uri.UriSchemeHttps) || target.IdnHost.Length == 0)
        {
            target = null;
            return What;
        }

        if (target.UserInfo.Length > 0)
        {
            return "must not contain a user name";
        }

        var host = Host(target);
        return !IsAllowedHost(host, target.Port) && (IsLocalName(host) || (IPAddress.TryParse(host, out var address) && !IsAllowed(address, target.Port)))
            ? $"leads to {host}, which is on this machine or in a private network; the cluster configuration can allow it in callbacks.allowed_targets"
            : null;
    }

    /// <summary>Whether whatever the name resolves to may be called at a port.</summary>
    public bool IsAllowedHost(string host, int port) =>
        _allowAll || _allowedHosts.Exists(allowed => allowed.Host.Equals(host.TrimEnd('.'), StringComparison.OrdinalIgnoreCase) && allowed.Allows(port));

    /// <summary>Whether an address may be called at a port.</summary>
    public bool IsAllowed(IPAddress address, int port)
    {
        if (_allowAll || _allowedNetworks.Exists(allowed => allowed.Network.Contains(address) && allowed.Ports.Allows(port)))
        {
            return true;
        }

        if (address.AddressFamily == AddressFamily.InterNetworkV6)
        {
            foreach (var (network, offset) in Embedding)
            {
                if (network.Contains(address) && !address.Equals(IPAddress.IPv6Loopback) && !address.Equals(IPAddress.IPv6None))
                {
                    return IsAllowed(new IPAddress(address.GetAddressBytes().AsSpan(offset, 4)), port);
                }
            }
        }

        return !Array.Exists(Refused, network => network.Contains(address));
    }

    private static string Host(Uri target) => target.IdnHost.Trim('[', ']').TrimEnd('.');

    private static bool IsLocalName(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || host.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase);

    private static bool TryParseNetwork(string text, out IPNetwork network)
    {
        network = default;
        if (IPNetwork.TryParse(text, out network))
        {
            return true;
        }

        if (!IPAddress.TryParse(text, out var address))
        {
            return false;
        }

        network = new IPNetwork(address, address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128);
        return true;
    }
}
