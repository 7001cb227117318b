using System.Net;
using Cortex.Gateway.Admission;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Cortex.Gateway.Forwarding;

/// <summary>What is kept from request to request of one client connection.</summary>
internal sealed class RequestContext
{
    public RequestContext(IFeatureCollection features, GatewayOptions options, TimeProvider time)
    {
        Http = new DefaultHttpContext(features);
        Exchange = new Http1Exchange(options, time);
        Other = features.Get<OtherApplication>();
        ClientAddress = Address(features.Get<IHttpConnectionFeature>()?.RemoteIpAddress);
    }

    /// <summary>The request in progress.</summary>
    public DefaultHttpContext Http { get; }

    public Http1Exchange Exchange { get; }

    /// <summary>The slot that the request holds.</summary>
    public Slot Slot { get; } = new();

    /// <summary>Whether the request came through a splitter.</summary>
    public bool IsSplit { get; set; }

    /// <summary>How the last forwarding of the request ended; only of meaning once it was forwarded.</summary>
    public ExchangeOutcome Outcome { get; set; }

    /// <summary>The other application on the connection's listener.</summary>
    public OtherApplication? Other { get; }

    /// <summary>The client's address for X-Forwarded-For.</summary>
    public string ClientAddress { get; }

    private static string Address(IPAddress? address) =>
        (address is { IsIPv4MappedToIPv6: true } ? address.MapToIPv4() : address)?.ToString() ?? "unknown";
}
