namespace Cortex.Queues.Sqlite;

/// <summary>Counts commits. Written by the writer's thread, read by others.</summary>
internal sealed class CommitMeter
{
    private readonly Lock _lock = new();
    private readonly long[] _buckets = new long[SqliteStoreMetrics.CommitBounds.Count + 1];
    private long _commits;
    private long _operations;
    private long _full;
    private TimeSpan _elapsed;

    public void Add(int operations, TimeSpan elapsed)
    {
        var bounds = SqliteStoreMetrics.CommitBounds;
        var bucket = 0;
        while (bucket < bounds.Count && elapsed.TotalSeconds > bounds[bucket])
        {
            bucket++;
        }

        lock (_lock)
        {
            _commits++;
            _operations += operations;
            _elapsed += elapsed;
            _buckets[bucket]++;
        }
    }

    public void AddFull()
    {
        lock (_lock)
        {
            _full++;
        }
    }

    public SqliteStoreMetrics Read(int pendingOperations, long pendingBytes, long walBytes, bool isFull)
    {
        lock (_lock)
        {
            return new SqliteStoreMetrics
            {
                Commits = _commits,
                Operations = _operations,
                CommitSeconds = _elapsed.TotalSeconds,
                CommitBuckets = [.. _buckets],
                FullFailures = _full,
                PendingOperations = pendingOperations,
                PendingBytes = pendingBytes,
                WalBytes = walBytes,
                IsFull = isFull,
            };
        }
    }
}
