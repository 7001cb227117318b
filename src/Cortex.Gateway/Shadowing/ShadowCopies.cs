using Cortex.Gateway.Forwarding;
using Cortex.Gateway.Replicas;
using Cortex.Gateway.Splitting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Cortex.Gateway.Shadowing;

/// <summary>
/// Makes copies of requests for shadows. A copy is collected while the request itself is forwarded and sent on its own afterwards, so
/// that a shadow can neither delay nor fail a request; what would take too much memory is dropped and counted.
/// </summary>
internal sealed class ShadowCopies : IDisposable
{
    private const int CopyOverhead = 4 * 1024;   // what a copy costs besides its bytes, roughly
    private readonly GatewayOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationToken _stopping;
    private long _reserved;

    public ShadowCopies(GatewayOptions options, TimeProvider time, ILogger logger)
    {
        (_options, _time, _logger) = (options, time, logger);
        _stopping = _stop.Token;
    }

    /// <summary>Bytes that copies hold.</summary>
    public long Reserved => Interlocked.Read(ref _reserved);

    /// <summary>Begins a copy of a request, before the request is read. A request without a body is sent at once.</summary>
    /// <returns>Null when nothing is left to collect; otherwise to be given up when the request is over.</returns>
    public ShadowCopy? Begin(HttpContext http, SplitBranch shadow, string rawTarget, int matched, ClientPeer client)
    {
        var body = BodyFraming.Of(http);
        if (body.Length > _options.ShadowMaxBody || ProtocolSwitch.IsWanted(http) || Http2Exchange.IsGrpc(http.Request))
        {
            shadow.Counters.RecordDropped();
            return null;
        }

        var head = new HeadBuffer();
        try
        {
            RequestHead.WriteShadow(head, http.Request, rawTarget, matched, client, shadow.Target.Api);
        }
        catch (BadClientRequestException)
        {
            shadow.Counters.RecordDropped();   // the request itself is refused for the same reason
            return null;
        }

        if (!TryReserve(CopyOverhead + head.Length))
        {
            shadow.Counters.RecordDropped();
            return null;
        }

        var copy = new ShadowCopy(this, _options, _time, _logger, shadow, head, CopyOverhead + head.Length, http.Request.Method == HttpMethods.Head, _stopping);
        if (body.Kind == BodyKind.None || body is { Kind: BodyKind.Sized, Length: 0 })
        {
            copy.Send();
            return null;
        }

        if (!copy.TryExpect(body.Kind == BodyKind.Sized ? body.Length : 0))
        {
            return null;
        }

        http.Features.Set<IRequestBodyPipeFeature>(new ShadowTee(http.Request.BodyReader, copy));
        return copy;
    }

    /// <summary>Sets memory aside; false when all is taken.</summary>
    public bool TryReserve(long bytes)
    {
        if (Interlocked.Add(ref _reserved, bytes) <= _options.ShadowMemory)
        {
            return true;
        }

        Free(bytes);
        return false;
    }

    /// <summary>Gives memory back.</summary>
    public void Free(long bytes) => Interlocked.Add(ref _reserved, -bytes);

    /// <summary>Gives up every copy that is being sent.</summary>
    public void Dispose()
    {
        _stop.Cancel();
        _stop.Dispose();
    }
}
