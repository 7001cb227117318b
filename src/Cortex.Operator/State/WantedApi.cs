using Cortex.Core.Wire;
using Cortex.Operator.Splitting;

namespace Cortex.Operator.State;

/// <summary>What is wanted of one API: the version to run and how many replicas of it.</summary>
/// <param name="Spec">The version that should run.</param>
/// <param name="Replicas">Replicas wanted; within the API's bounds.</param>
internal sealed record WantedApi(DeployedSpec Spec, int Replicas)
{
    public string Name => Spec.Name;

    /// <summary>Changes whenever it is stored, and rises; 0 for one that was not stored yet. A change that was made from this names it.</summary>
    public long Revision { get; init; }

    /// <summary>What the callbacks of an AsyncAPI are signed with, made at its first deployment; null for other kinds.</summary>
    public CallbackKey? CallbackKey { get; init; }

    /// <summary>How far the canary of a TrafficSplitter is; null without one.</summary>
    public CanaryState? Canary { get; init; }
}
