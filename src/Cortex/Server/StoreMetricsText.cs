using Cortex.Queues.Sqlite;
using static Cortex.Gateway.Metrics.PrometheusText;

namespace Cortex.Server;

/// <summary>The metrics of the queue store in the Prometheus text format.</summary>
internal static class StoreMetricsText
{
    /// <summary>Writes what a store has done and how busy it is.</summary>
    public static void Write(TextWriter writer, SqliteStoreMetrics metrics)
    {
        const string Commits = "cortex_store_commit_seconds";
        Family(writer, Commits, "histogram", "Time of the queue store's commits.");
        Histogram(writer, Commits, "", SqliteStoreMetrics.CommitBounds, metrics.CommitBuckets, metrics.CommitSeconds);
        Single("cortex_store_operations_total", "counter", "Operations that the queue store has committed.", metrics.Operations);
        Single("cortex_store_full_total", "counter", "Groups of operations that failed because the disk was full.", metrics.FullFailures);
        Single("cortex_store_pending_operations", "gauge", "Operations that wait to be written.", metrics.PendingOperations);
        Single("cortex_store_pending_bytes", "gauge", "Bytes that wait to be written.", metrics.PendingBytes);
        Single("cortex_store_wal_bytes", "gauge", "Size of the write-ahead log.", metrics.WalBytes);
        Single("cortex_store_full", "gauge", "1 while the disk is full and requests are refused.", metrics.IsFull ? 1 : 0);

        void Single(string name, string type, string help, double value)
        {
            Family(writer, name, type, help);
            Sample(writer, name, "", value);
        }
    }
}
