namespace Cortex.Async;

/// <summary>What is asked for of an API's requests, as it came; each null when it was not said.</summary>
/// <param name="Status">Only those of this status, as clients see it.</param>
/// <param name="Limit">How many at most, 1 to 1000.</param>
/// <param name="Cursor">Where an earlier list ended.</param>
public readonly record struct RequestQuery(string? Status, string? Limit, string? Cursor);
