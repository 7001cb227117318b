namespace Cortex.Routing;

/// <summary>What one target of a splitter got through it. The counts only grow.</summary>
/// <param name="Api">The target's name.</param>
/// <param name="Requests">Finished requests; for a shadow, copies that were sent to it.</param>
/// <param name="Errors">Those of them that ended with a status of 500 or more, or whose answer broke off.</param>
/// <param name="Slow">Those of them that took longer than <see cref="SplitRoute.SlowAfter"/>.</param>
/// <param name="Dropped">Copies that a shadow did not get, because they were too large or too many, or it had no room.</param>
public readonly record struct SplitTraffic(string Api, long Requests, long Errors, long Slow, long Dropped);
