namespace Cortex.Core.Specs;

/// <summary>How many replicas an update may add or take away at a time; texts such as <c>25%</c> or <c>1</c>.</summary>
/// <param name="MaxSurge">Replicas above the wanted count.</param>
/// <param name="MaxUnavailable">Replicas below the wanted count.</param>
public sealed record UpdateStrategySpec(string MaxSurge, string MaxUnavailable);
