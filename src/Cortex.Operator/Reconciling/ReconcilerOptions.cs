namespace Cortex.Operator.Reconciling;

/// <summary>The bounds of the reconcile loop.</summary>
internal sealed record ReconcilerOptions
{
    /// <summary>From the moment a replica gets no new requests to SIGKILL; default 60 s.</summary>
    public TimeSpan TerminationGrace { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The loop looks at everything at least this often, also when nothing tells of a change; default 5 s.</summary>
    public TimeSpan Resync { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The pause after a replica could not be created; doubles up to <see cref="MaxRetryDelay"/>; default 1 s.</summary>
    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest pause between attempts to create replicas of one API; default 30 s.</summary>
    public TimeSpan MaxRetryDelay { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Replicas of one API that may wait for room at a time; further ones are created when these have some. Default 10: as many as can be
    /// placed at once, and no more that only wait.
    /// </summary>
    public int MaxWaitingForRoom { get; init; } = 10;
}
