using Cortex.Gateway.Admission;
using Cortex.Gateway.Forwarding;
using Cortex.Gateway.Listening;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Cortex.Gateway.Serving;

/// <summary>What is kept from request to request of one client connection.</summary>
internal sealed class RequestContext
{
    public RequestContext(IFeatureCollection features, GatewayOptions options, PauseWatch watch, TimeProvider time)
    {
        Http = new DefaultHttpContext(features);

        // What an HTTP/2 client takes may be another stream's.
        var ownsSocket = !HttpProtocol.IsHttp2(Http.Request.Protocol);
        Patience = new ClientPatience(options, watch, ownsSocket ? features.Get<IConnectionSocketFeature>()?.Socket : null);
        Exchange = new Http1Exchange(options, Patience, time);
        Connection = features.Get<ClientConnection>();
        Other = features.Get<OtherApplication>();
        var address = features.Get<IHttpConnectionFeature>()?.RemoteIpAddress;
        Client = new ClientPeer(address is null ? "unknown" : Networks.Plain(address).ToString(), options.TrustedProxies.Contains(address));
    }

    /// <summary>The request in progress.</summary>
    public DefaultHttpContext Http { get; }

    public Http1Exchange Exchange { get; }

    /// <summary>Waits for the client.</summary>
    public ClientPatience Patience { get; }

    /// <summary>The connection as it is counted.</summary>
    public ClientConnection? Connection { get; }

    /// <summary>The slot that the request holds.</summary>
    public Slot Slot { get; } = new();

    /// <summary>Whether the request came through a splitter.</summary>
    public bool IsSplit { get; set; }

    /// <summary>How the last forwarding of the request ended; only of meaning once it was forwarded.</summary>
    public ExchangeOutcome Outcome { get; set; }

    /// <summary>The other application on the connection's listener.</summary>
    public OtherApplication? Other { get; }

    /// <summary>The other end of the connection.</summary>
    public ClientPeer Client { get; }
}
