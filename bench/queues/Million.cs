using System.Diagnostics;
using Cortex.Queues.Sqlite;

namespace Cortex.Bench.Queues;

/// <summary>A million messages that wait.</summary>
internal static class Million
{
    private const int Count = 1_000_000;
    private const int Loaders = 256;

    /// <summary>Puts a million in, measures beside them, and dies as by kill -9.</summary>
    public static async Task FillAndDieAsync(string path)
    {
        var store = await Rates.OpenAsync(path);
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, Loaders).Select(_ => Task.Run(async () =>
        {
            for (var i = 0; i < Count / Loaders; i++)
            {
                await store.EnqueueAsync(Rates.Message(store), default);
            }
        })));
        Print(store, $"1M put in by {Loaders} clients in {clock.Elapsed.TotalSeconds:0.0} s ({Count / clock.Elapsed.TotalSeconds:0}/s)", path);
        await Rates.SubmitAsync(store, "1M waiting: submit, 64 clients", 64, TimeSpan.FromSeconds(6));
        await Rates.CyclesAsync(store, "1M waiting", TimeSpan.FromSeconds(8), backlog: 2000);
        await Rates.ListAsync(store);
        Print(store, "1M waiting, after load", path);
        Process.GetCurrentProcess().Kill();
    }

    public static async Task OpenAsync(string path)
    {
        var clock = Stopwatch.StartNew();
        await using var store = await SqliteQueueStore.OpenAsync(path, new(), new NoBlobs(), TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        var counts = await store.CountAsync(Rates.Queue, default);
        Print(store, $"after kill -9: {counts.Waiting} waiting ready in {clock.Elapsed.TotalMilliseconds:0} ms", path);
    }

    private static void Print(SqliteQueueStore store, string what, string path)
    {
        var before = Environment.WorkingSet;
        GC.Collect();
        Console.WriteLine($"{what}; resident {before / 1e6:0} MB, {Environment.WorkingSet / 1e6:0} MB after collection; file {new FileInfo(path).Length / 1e6:0} MB, log {store.Metrics.WalBytes / 1e6:0} MB");
    }
}
