namespace Cortex.Routing;

/// <summary>Where one replica takes requests.</summary>
/// <param name="Id">The pod's id.</param>
/// <param name="Host">An IP address.</param>
/// <param name="Port">1-65535.</param>
/// <param name="Incarnation">Changes when one of its containers was started again: what was in progress before is lost.</param>
public sealed record ReplicaAddress(string Id, string Host, int Port, int Incarnation = 0);
