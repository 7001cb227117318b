using System.Net;

namespace Cortex.Gateway;

/// <summary>One address on which the gateway takes connections.</summary>
/// <param name="EndPoint">Where; port 0 takes a free one.</param>
/// <param name="Other">What else is served there; null for APIs only.</param>
public sealed record GatewayListener(IPEndPoint EndPoint, OtherApplication? Other = null);
