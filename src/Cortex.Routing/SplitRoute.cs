namespace Cortex.Routing;

/// <summary>An endpoint whose requests are shared by several APIs.</summary>
public sealed record SplitRoute
{
    /// <summary>The splitter's name; unique among all routes. Counters are kept under it from one snapshot to the next.</summary>
    public required string Name { get; init; }

    /// <summary>Starts with a slash and ends without one.</summary>
    public required string Endpoint { get; init; }

    /// <summary>Who gets the requests; unique APIs. The weights of those that are no shadows sum to 100. One shadow at most.</summary>
    public required RouteList<SplitTarget> Targets { get; init; }

    /// <summary>What clients are told apart by; null when every request counts for itself.</summary>
    public StickyKey? Sticky { get; init; }

    /// <summary>Requests that take longer are counted as slow; null for none.</summary>
    public TimeSpan? SlowAfter { get; init; }
}

/// <summary>One of the APIs behind a splitter.</summary>
/// <param name="Api">The API's name; its requests go through its own limits and queue.</param>
/// <param name="Weight">Percent of the requests, 0-100; for a shadow, percent that is copied to it.</param>
/// <param name="Shadow">Whether it gets copies, whose answers are dropped.</param>
public sealed record SplitTarget(string Api, int Weight, bool Shadow);

/// <summary>Where a request's key is found. Requests with the same key go to the same target while the weights stand.</summary>
/// <param name="Name">The name of the header or cookie.</param>
/// <param name="IsCookie">Whether it is a cookie.</param>
public sealed record StickyKey(string Name, bool IsCookie);
