namespace Cortex.Core.Clusters;

/// <summary>Who is believed what.</summary>
public sealed record AccessSettings
{
    /// <summary>Addresses and networks of proxies in front of the cluster, whose X-Forwarded headers are believed.</summary>
    public IReadOnlyList<string> TrustedProxies { get; init; } = [];

    /// <summary>Further host names by which the cluster is reached; <c>*.</c> before one stands for all below it, <c>*</c> for every name.</summary>
    public IReadOnlyList<string> AllowedHosts { get; init; } = [];

    /// <summary>Whether metrics are shown to other machines without the token.</summary>
    public bool OpenMetrics { get; init; }
}
