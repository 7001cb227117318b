namespace Cortex.Queues.Sqlite;

/// <summary>What a store has done since it was opened, and how busy it is.</summary>
public sealed record SqliteStoreMetrics
{
    /// <summary>Upper bounds of the buckets of <see cref="CommitBuckets"/>, in seconds; one more bucket is without a bound.</summary>
    public static IReadOnlyList<double> CommitBounds { get; } = [0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1];

    /// <summary>Commits.</summary>
    public required long Commits { get; init; }

    /// <summary>Operations in them.</summary>
    public required long Operations { get; init; }

    /// <summary>Time that commits took, statements included, in seconds.</summary>
    public required double CommitSeconds { get; init; }

    /// <summary>Commits by the time they took: at index i those over bound i-1 and up to bound i of <see cref="CommitBounds"/>.</summary>
    public required IReadOnlyList<long> CommitBuckets { get; init; }

    /// <summary>Groups that failed because the disk was full.</summary>
    public required long FullFailures { get; init; }

    /// <summary>Operations that wait to be written.</summary>
    public required int PendingOperations { get; init; }

    /// <summary>Bytes that wait to be written.</summary>
    public required long PendingBytes { get; init; }

    /// <summary>Size of the write-ahead log in bytes.</summary>
    public required long WalBytes { get; init; }

    /// <summary>The disk is full: new messages are refused.</summary>
    public required bool IsFull { get; init; }
}
