using Cortex.Gateway.Admission;
using Cortex.Gateway.Routing;
using Cortex.Routing;

namespace Cortex.Gateway.Splitting;

/// <summary>A traffic splitter: chooses the API for each request. Thread-safe; choosing allocates nothing and takes no lock.</summary>
internal sealed class SplitApi : RoutedApi
{
    private volatile SplitPlan _plan;
    private long _chosen;
    private long _considered;

    public SplitApi(SplitRoute route, IReadOnlyDictionary<string, ApiGate> gates)
        : base(route.Name) => _plan = Compile(route, gates, null);

    public override string Kind => "TrafficSplitter";

    /// <summary>Where keys are found; null when every request counts for itself.</summary>
    public StickyKey? Sticky => _plan.Route.Sticky;

    /// <summary>All targets, the shadow included, in the route's order.</summary>
    public IReadOnlyList<SplitBranch> Branches => _plan.Branches;

    /// <summary>Takes a new route; it holds for every request from now on.</summary>
    public void Apply(SplitRoute route, IReadOnlyDictionary<string, ApiGate> gates) => _plan = Compile(route, gates, _plan);

    /// <summary>
    /// The target for a request: the one that has its key, or without a key the one whose turn it is, which is exact over any hundred
    /// requests without a key while the weights stand. Null when no target has any weight.
    /// </summary>
    public SplitBranch? Choose(ReadOnlySpan<char> key) =>
        key.IsEmpty ? _plan.InTurn((ulong)Interlocked.Increment(ref _chosen)) : _plan.Of(key);

    /// <summary>The shadow that gets a copy of a request; null for none.</summary>
    public SplitBranch? ChooseShadow()
    {
        var plan = _plan;
        return plan.HasShadow ? plan.Shadow((ulong)Interlocked.Increment(ref _considered)) : null;
    }

    private static SplitPlan Compile(SplitRoute route, IReadOnlyDictionary<string, ApiGate> gates, SplitPlan? before)
    {
        var kept = before?.Branches.ToDictionary(static branch => branch.Target.Api, static branch => branch.Counters, StringComparer.Ordinal);
        return new SplitPlan(route, gates, route.Targets.ToDictionary(
            static target => target.Api, target => kept?.GetValueOrDefault(target.Api) ?? new SplitCounters(), StringComparer.Ordinal));
    }
}
