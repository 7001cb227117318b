using Cortex.Background;
using Cortex.Gateway;

namespace Cortex.Dispatch;

/// <summary>How requests are brought to replicas. Read once, when the service is made.</summary>
public sealed record DispatchOptions
{
    /// <summary>A request whose server died is taken up again after so long; live ones extend it. 10 s to 1 hour, default 60 s.</summary>
    public TimeSpan Visibility { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How often timeouts and cancelled requests are looked for. 1 ms to 1 s, default 50 ms.</summary>
    public TimeSpan SweepInterval { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>
    /// After a broken answer, how long to wait for the news that the replica died, before it is connected to: the attempt
    /// counts as failed only when it lives. 0 to 1 min, default 2 s.
    /// </summary>
    public TimeSpan ReplicaEndWait { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How long a result is kept in memory while the store cannot take it; then its request is tried again. 1 s to 1 day, default 5 min.</summary>
    public TimeSpan StoreRetryTime { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Pause after an error of the store before more is asked of it; it doubles up to 50 times as long. 1 ms to 1 min, default 100 ms.</summary>
    public TimeSpan StorePause { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>The pauses while the store is in trouble.</summary>
    internal Backoff StorePauses => new(StorePause, StorePause * 50);

    /// <summary>How long calls in progress may go on when the service stops; the rest is put back. 0 to 1 hour, default 10 s.</summary>
    public TimeSpan StopTime { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Connecting to replicas, lost replicas, and the pause of one that cannot be reached. Default: the gateway's defaults.</summary>
    public GatewayOptions Connections { get; init; } = new();

    /// <summary>What is wrong with the values, all of it; empty when nothing is.</summary>
    public IReadOnlyList<string> Validate()
    {
        OptionErrors errors = new();
        Check(Visibility, nameof(Visibility), TimeSpan.FromSeconds(10), TimeSpan.FromHours(1), "10 s to 1 hour");
        Check(SweepInterval, nameof(SweepInterval), TimeSpan.FromMilliseconds(1), TimeSpan.FromSeconds(1), "1 ms to 1 s");
        Check(ReplicaEndWait, nameof(ReplicaEndWait), TimeSpan.Zero, TimeSpan.FromMinutes(1), "0 to 1 min");
        Check(StoreRetryTime, nameof(StoreRetryTime), TimeSpan.FromSeconds(1), TimeSpan.FromDays(1), "1 s to 1 day");
        Check(StorePause, nameof(StorePause), TimeSpan.FromMilliseconds(1), TimeSpan.FromMinutes(1), "1 ms to 1 min");
        Check(StopTime, nameof(StopTime), TimeSpan.Zero, TimeSpan.FromHours(1), "0 to 1 hour");
        return [.. errors.All, .. Connections.Validate().Select(static error => $"{nameof(Connections)}: {error}")];

        void Check(TimeSpan value, string name, TimeSpan least, TimeSpan most, string range) =>
            errors.Check(value >= least && value <= most, name, range, value);
    }
}
