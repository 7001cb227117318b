using Cortex.Routing;
using System.Globalization;
using Cortex.Core.Wire;
using Cortex.Operator.Splitting;
using Cortex.Operator.State;

namespace Cortex.Operator.Reading;

/// <summary>Tells where traffic splitters send their requests, and how far their canaries are.</summary>
internal sealed class SplitterReader(IDataPlane dataPlane, CanaryController canaries)
{
    /// <summary>One splitter at this moment; null for an API of another kind.</summary>
    public SplitterStatus? Status(WantedApi splitter)
    {
        if (splitter.Spec.Apis is not { } targets)
        {
            return null;
        }

        var weights = CanaryRule.Weights(targets, splitter.Spec.Canary, splitter.Canary);
        var traffic = dataPlane.GetSplitTraffic(splitter.Name).ToDictionary(target => target.Api, StringComparer.Ordinal);
        return new SplitterStatus
        {
            Targets = [.. targets.Zip(weights, (target, weight) =>
            {
                var seen = traffic.GetValueOrDefault(target.Name);
                return new SplitterTargetStatus
                {
                    Name = target.Name,
                    Weight = weight,
                    Shadow = target.Shadow,
                    Requests = seen.Requests,
                    Errors = seen.Errors,
                    Dropped = target.Shadow ? seen.Dropped : null,
                };
            })],
            Canary = Canary(splitter, weights),
        };
    }

    private CanaryStatus? Canary(WantedApi splitter, IReadOnlyList<int> weights)
    {
        if (splitter is not { Spec: { Canary: { } canary, Apis: { } targets }, Canary: { } state })
        {
            return null;
        }

        var counts = state.Phase == CanaryPhase.Progressing ? canaries.Counts(splitter) : null;
        return new CanaryStatus
        {
            To = canary.To,
            Status = state.Phase switch
            {
                CanaryPhase.Waiting => "waiting",
                CanaryPhase.Progressing => "progressing",
                CanaryPhase.Promoted => "promoted",
                _ => "rolled_back",
            },
            Weight = weights[targets.Select(target => target.Name).ToList().IndexOf(canary.To)],
            Step = state.Phase == CanaryPhase.Waiting ? 0 : state.Step + 1,
            Steps = canary.Steps.Count,
            Since = state.Since.ToUnixTimeSeconds(),
            Message = state.Phase switch
            {
                CanaryPhase.Waiting => $"waits for a ready replica of {canary.To}",
                CanaryPhase.Progressing when counts is { } seen && seen.Requests < canary.MinRequests =>
                    string.Create(CultureInfo.InvariantCulture, $"the step needs {canary.MinRequests} requests to {canary.To} and has seen {seen.Requests}"),
                _ => state.Reason,
            },
            Requests = counts?.Requests,
            Errors = counts?.Errors,
            Slow = canary.MaxP99 is null ? null : counts?.Slow,
        };
    }
}
