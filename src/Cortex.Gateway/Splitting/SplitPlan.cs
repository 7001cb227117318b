using Cortex.Gateway.Admission;
using Cortex.Routing;

namespace Cortex.Gateway.Splitting;

/// <summary>A splitter's route, compiled for choosing. Immutable.</summary>
internal sealed class SplitPlan
{
    private readonly SplitBranch[] _targets;
    private readonly SplitBranch[] _order;
    private readonly SplitBranch? _shadow;
    private readonly bool[] _copied;

    /// <summary>Compiles a route.</summary>
    /// <param name="route">The route.</param>
    /// <param name="gates">The gates of all APIs.</param>
    /// <param name="counters">The counters of each target, by its name.</param>
    public SplitPlan(SplitRoute route, IReadOnlyDictionary<string, ApiGate> gates, IReadOnlyDictionary<string, SplitCounters> counters)
    {
        Route = route;
        Branches = [.. route.Targets.Select(target => new SplitBranch(target, gates.GetValueOrDefault(target.Api), counters[target.Api], route.SlowAfter))];
        _targets = [.. Branches.Where(static branch => !branch.Target.Shadow)];
        _order = [.. WeightTable.Build([.. _targets.Select(static branch => branch.Target.Weight)]).Select(index => _targets[index])];
        _shadow = Branches.FirstOrDefault(static branch => branch.Target.Shadow);
        _copied = _shadow is null ? [] : [.. WeightTable.Build([_shadow.Target.Weight, 100 - _shadow.Target.Weight]).Select(static index => index == 0)];
    }

    /// <summary>What it was compiled from.</summary>
    public SplitRoute Route { get; }

    /// <summary>All targets, the shadow included, in the route's order.</summary>
    public IReadOnlyList<SplitBranch> Branches { get; }

    /// <summary>The target whose turn it is; null when no target has any weight.</summary>
    /// <param name="turn">How many were chosen before.</param>
    public SplitBranch? InTurn(ulong turn) => _order.Length == 0 ? null : _order[turn % (ulong)_order.Length];

    /// <summary>The target that has a key; null when no target has any weight.</summary>
    public SplitBranch? Of(ReadOnlySpan<char> key)
    {
        var hash = StickyHash.Of(key);
        SplitBranch? nearest = null;
        var least = double.PositiveInfinity;
        foreach (var branch in _targets)
        {
            var distance = StickyHash.Distance(hash, branch.Hash, branch.Target.Weight);
            if (distance < least)
            {
                (least, nearest) = (distance, branch);
            }
        }

        return nearest;
    }

    /// <summary>Whether there is a shadow that may get copies.</summary>
    public bool HasShadow => _shadow is { Gate: not null };

    /// <summary>The shadow when a request is to be copied to it, or null.</summary>
    /// <param name="turn">How many requests came before.</param>
    public SplitBranch? Shadow(ulong turn)
    {
        // Shifted by one each time round: otherwise a shadow of 1 percent would only ever see one target's requests.
        var length = (ulong)_copied.Length;
        return length > 0 && _copied[(turn + (turn / length)) % length] ? _shadow : null;
    }
}
