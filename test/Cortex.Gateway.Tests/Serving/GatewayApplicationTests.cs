using Cortex.Gateway.Admission;
using Cortex.Gateway.Forwarding;
using Cortex.Gateway.Replicas;
using Cortex.Gateway.Routing;
using Cortex.Gateway.Serving;
using Cortex.Gateway.Shadowing;
using Cortex.Gateway.Tests.Support;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging.Abstractions;

namespace Cortex.Gateway.Tests.Serving;

/// <summary>Without a server: its part is played by the test.</summary>
public sealed class GatewayApplicationTests
{
    [Theory]
    [MemberData(nameof(OwnFaults.Names), MemberType = typeof(OwnFaults))]
    public async Task ProcessRequest_FaultOfOursBeforeTheBodyBegins_IsThrownAndNoClientThatLeft(string name)
    {
        var fault = OwnFaults.Make(name);
        var options = new GatewayOptions();
        var time = TimeProvider.System;
        var connector = new UpstreamConnector(options, time);
        var gates = new ApiGates(
            new AdmissionLimits(options.QueueTimeout, options.UnreachableReplicaPause, options.WakeTimeout), connector, new WakeDemand(options.WakeBuffer, static _ => { }), time);
        gates.Apply(Routes.Snapshot(Routes.Api("api", 1, 1, Routes.Replica("r1"))));
        using var http2 = new Http2Exchange(connector, options);
        using var shadows = new ShadowCopies(options, time, NullLogger.Instance);
        using var faults = new FaultLog(NullLogger.Instance, time);
        using var pauses = new PauseWatch(time, NullLogger.Instance);
        var application = new GatewayApplication(options, gates, http2, shadows, faults, pauses, time, NullLogger.Instance);
        var features = FaultyClient.OfBody(fault).Features;
        features.GetRequiredFeature<IHttpRequestFeature>().RawTarget = "/api";

        var context = application.CreateContext(features);

        Assert.Same(fault, await Assert.ThrowsAnyAsync<Exception>(() => application.ProcessRequestAsync(context).WithinLimit()));
        Assert.False(context.Http.RequestAborted.IsCancellationRequested);
        gates.Apply(new GatewayRoutes([]));
    }
}
