namespace Cortex.Gateway.Forwarding;

/// <summary>The other end of a client's connection.</summary>
/// <param name="Address">Its address, for X-Forwarded-For.</param>
/// <param name="IsTrusted">Whether it is a proxy whose X-Forwarded headers are believed.</param>
internal readonly record struct ClientPeer(string Address, bool IsTrusted);
