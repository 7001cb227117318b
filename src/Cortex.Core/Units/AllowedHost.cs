using System.Globalization;

namespace Cortex.Core.Units;

/// <summary>A host of a list of those that may be reached: a name, an address or a network, with one port or with all.</summary>
/// <param name="Host">The name, address or network, without brackets.</param>
/// <param name="Port">The only port; null for every one.</param>
public readonly record struct AllowedHost(string Host, int? Port)
{
    /// <summary>Reads <c>host</c>, <c>host:8080</c>, <c>10.1.0.0/16:8080</c>, <c>::1</c> or <c>[::1]:8080</c>.</summary>
    public static AllowedHost Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var colon = text.LastIndexOf(':');

        // Several colons without brackets are an address of IPv6, which has no port then.
        var hasPort = colon > 0 && (text[colon - 1] == ']' || text.IndexOf(':', StringComparison.Ordinal) == colon);
        return hasPort && ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            ? new(text[..colon].Trim('[', ']'), port)
            : new(text.Trim('[', ']'), null);
    }

    /// <summary>Whether a port is among its ports.</summary>
    public bool Allows(int port) => Port is null || Port == port;
}
