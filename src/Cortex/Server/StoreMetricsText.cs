using System.Globalization;
using Cortex.Queues.Sqlite;

namespace Cortex.Server;

/// <summary>The metrics of the queue store in the Prometheus text format.</summary>
internal static class StoreMetricsText
{
    /// <summary>Writes what a store has done and how busy it is.</summary>
    public static void Write(TextWriter writer, SqliteStoreMetrics metrics)
    {
        writer.Write("# HELP cortex_store_commit_seconds Time of the queue store's commits.\n# TYPE cortex_store_commit_seconds histogram\n");
        var count = 0L;
        for (var i = 0; i < metrics.CommitBuckets.Count; i++)
        {
            count += metrics.CommitBuckets[i];
            var bound = i < SqliteStoreMetrics.CommitBounds.Count ? SqliteStoreMetrics.CommitBounds[i].ToString(CultureInfo.InvariantCulture) : "+Inf";
            writer.Write(string.Create(CultureInfo.InvariantCulture, $"cortex_store_commit_seconds_bucket{{le=\"{bound}\"}} {count}\n"));
        }

        Line(writer, "cortex_store_commit_seconds_sum", metrics.CommitSeconds);
        Line(writer, "cortex_store_commit_seconds_count", count);
        Single(writer, "cortex_store_operations_total", "counter", "Operations that the queue store has committed.", metrics.Operations);
        Single(writer, "cortex_store_full_total", "counter", "Groups of operations that failed because the disk was full.", metrics.FullFailures);
        Single(writer, "cortex_store_pending_operations", "gauge", "Operations that wait to be written.", metrics.PendingOperations);
        Single(writer, "cortex_store_pending_bytes", "gauge", "Bytes that wait to be written.", metrics.PendingBytes);
        Single(writer, "cortex_store_wal_bytes", "gauge", "Size of the write-ahead log.", metrics.WalBytes);
        Single(writer, "cortex_store_full", "gauge", "1 while the disk is full and requests are refused.", metrics.IsFull ? 1 : 0);
    }

    private static void Single(TextWriter writer, string name, string type, string help, double value)
    {
        writer.Write($"# HELP {name} {help}\n# TYPE {name} {type}\n");
        Line(writer, name, value);
    }

    private static void Line(TextWriter writer, string name, double value) => writer.Write(string.Create(CultureInfo.InvariantCulture, $"{name} {value}\n"));
}
