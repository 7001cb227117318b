namespace Cortex.Core.Specs;

/// <summary>One API behind a TrafficSplitter.</summary>
/// <param name="Name">The name of a RealtimeAPI.</param>
/// <param name="Weight">Percent of the requests (0-100); for a shadow, percent that is mirrored to it.</param>
/// <param name="Shadow">Gets copies whose answers are dropped.</param>
public sealed record TrafficSplitterTarget(string Name, int Weight, bool Shadow);
