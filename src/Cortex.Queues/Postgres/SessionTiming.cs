namespace Cortex.Queues.Postgres;

/// <summary>How soon a process finds out about the others.</summary>
internal sealed record SessionTiming
{
    /// <summary>How often to look for what no notice told of.</summary>
    public TimeSpan Poll { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>A process whose session has been gone for so long is taken for dead, and its leases are given back.</summary>
    public TimeSpan OwnerGrace { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Whether notices are sent and heard; without, everything is found out by looking.</summary>
    public bool Notices { get; init; } = true;

    /// <summary>Whether a broken session is made again; a test that lets a process die says no.</summary>
    public bool Reconnects { get; init; } = true;

    /// <summary>Whether times are counted from the database's clock, so that machines agree; otherwise from the clock that was given, which a test moves.</summary>
    public bool FollowsDatabaseClock { get; init; } = true;
}
