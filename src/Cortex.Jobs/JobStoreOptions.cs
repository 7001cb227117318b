namespace Cortex.Jobs;

/// <summary>Where jobs are stored, and how many ended ones.</summary>
public sealed record JobStoreOptions
{
    /// <summary>The database file; its folder exists.</summary>
    public required string Path { get; init; }

    /// <summary>Ended jobs kept per API; default 100.</summary>
    public int History { get; init; } = 100;

    /// <summary>Ended jobs are kept this long; default 30 days.</summary>
    public TimeSpan HistoryAge { get; init; } = TimeSpan.FromDays(30);
}
