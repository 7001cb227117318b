using System.Text.Json.Serialization;

namespace Cortex.Routing;

/// <summary>
/// Everything that a gateway needs to know of the APIs at one moment: plain data, which the operator makes and may send. A change swaps the whole.
/// </summary>
/// <remarks>Names and endpoints are unique over all kinds. <see cref="RouteJson"/> writes and reads it.</remarks>
public sealed record RouteSnapshot
{
    /// <summary>No API.</summary>
    public static RouteSnapshot Empty { get; } = new();

    /// <summary>Grows with every change; 0 before the first.</summary>
    public long Version { get; init; }

    /// <summary>Realtime APIs.</summary>
    [JsonRequired]
    public RouteList<RealtimeRoute> Realtime { get; init; } = [];

    /// <summary>Async APIs.</summary>
    [JsonRequired]
    public RouteList<AsyncRoute> Async { get; init; } = [];

    /// <summary>APIs that run jobs.</summary>
    [JsonRequired]
    public RouteList<JobRoute> Jobs { get; init; } = [];

    /// <summary>Splitters over <see cref="Realtime"/>.</summary>
    [JsonRequired]
    public RouteList<SplitRoute> Splits { get; init; } = [];

    /// <summary>Whether both lead everywhere to the same, whatever their versions.</summary>
    public bool LeadsWhere(RouteSnapshot other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return this == other with { Version = Version };
    }
}
