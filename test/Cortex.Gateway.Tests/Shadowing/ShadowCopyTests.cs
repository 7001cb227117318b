using Cortex.Gateway.Admission;
using Cortex.Gateway.Replicas;
using Cortex.Gateway.Routing;
using Cortex.Gateway.Shadowing;
using Cortex.Gateway.Splitting;
using Cortex.Gateway.Tests.Support;
using Cortex.Routing;

namespace Cortex.Gateway.Tests.Shadowing;

public sealed class ShadowCopyTests
{
    [Theory]
    [MemberData(nameof(OwnFaults.Names), MemberType = typeof(OwnFaults))]
    public async Task Send_FaultOfOurs_IsLoggedAsOneAndNotCountedAgainstTheShadow(string name)
    {
        var options = new GatewayOptions();
        var time = new FaultyTime { Fault = OwnFaults.Make(name) };
        using var logger = new RecordingLogger();
        using var copies = new ShadowCopies(options, TimeProvider.System, logger);
        using var gate = new ApiGate(
            Routes.Api("shadow", 1, 1, Routes.Replica("r1")), new AdmissionLimits(TimeSpan.FromMinutes(1), TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1)),
            new UpstreamConnector(options, time), new WakeDemand(1 << 20, static _ => { }), TimeProvider.System);
        var shadow = new SplitBranch(new SplitTarget("shadow", 10, Shadow: true), gate, new SplitCounters(), SlowAfter: null);

        new ShadowCopy(copies, options, TimeProvider.System, logger, shadow, new HeadBuffer(), reserved: 0, isHead: false, CancellationToken.None).Send();

        await Eventually.TrueAsync(() => !logger.Errors.IsEmpty && gate.Traffic.InFlight == 0, "it is over");
        Assert.Contains("failed within the server", Assert.Single(logger.Errors));
        Assert.Equal(0, shadow.Counters.Errors);
    }
}
