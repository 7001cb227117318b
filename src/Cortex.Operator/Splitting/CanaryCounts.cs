using Cortex.Routing;

namespace Cortex.Operator.Splitting;

/// <summary>What the target of a canary got through the splitter in some time.</summary>
/// <param name="Requests">Finished requests.</param>
/// <param name="Errors">Those of them that failed.</param>
/// <param name="Slow">Those of them that took longer than <c>max_p99</c>.</param>
internal readonly record struct CanaryCounts(long Requests, long Errors, long Slow)
{
    /// <summary>What the gateway has counted for a target.</summary>
    public static CanaryCounts Of(SplitTraffic traffic) => new(traffic.Requests, traffic.Errors, traffic.Slow);

    /// <summary>What came between an earlier reading and this one.</summary>
    public CanaryCounts Since(CanaryCounts earlier) => new(Requests - earlier.Requests, Errors - earlier.Errors, Slow - earlier.Slow);
}
