using System.Diagnostics;
using Cortex.Queues;
using Cortex.Queues.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;

namespace Cortex.Bench.Queues;

/// <summary>Closed loops of so many clients with payloads and results of 1 KB.</summary>
internal static class Rates
{
    public const string Queue = "async/bench";

    private static readonly byte[] Kilobyte = [.. Enumerable.Range(0, 1024).Select(i => (byte)i)];
    private static readonly byte[] Head = new byte[80];

    public static async Task<SqliteQueueStore> OpenAsync(string path, QueueStoreOptions? options = null)
    {
        var store = await SqliteQueueStore.OpenAsync(path, options ?? new QueueStoreOptions(), new NoBlobs(), TimeProvider.System, NullLogger.Instance);
        await store.ConfigureAsync(Queue, new QueueSettings(TimeSpan.FromDays(7)), default);
        return store;
    }

    public static NewMessage Message(SqliteQueueStore store) => new() { Id = store.NewId(), Queue = Queue, Head = Head, Payload = Body.Of(Kilobyte) };

    public static async Task SubmitAsync(string path, int clients, TimeSpan time)
    {
        await using var store = await OpenAsync(path);
        await SubmitAsync(store, $"submit, {clients} clients", clients, time);
    }

    public static async Task SubmitAsync(SqliteQueueStore store, string name, int clients, TimeSpan time)
    {
        var latencies = new Latencies(name);
        var before = store.Metrics;
        var processor = Environment.CpuUsage.TotalTime;
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, clients).Select(_ => Task.Run(async () =>
        {
            while (clock.Elapsed < time)
            {
                var started = Stopwatch.GetTimestamp();
                await store.EnqueueAsync(Message(store), default);
                latencies.Add(Stopwatch.GetElapsedTime(started));
            }
        })));
        latencies.Print(clock.Elapsed);
        PrintCommits(before, store.Metrics, Environment.CpuUsage.TotalTime - processor);
    }

    public static async Task CyclesAsync(string path, TimeSpan time)
    {
        await using var store = await OpenAsync(path);
        await CyclesAsync(store, "cycles, 64 submit + 32 work", time, backlog: 2000);
    }

    public static async Task CyclesAsync(SqliteQueueStore store, string name, TimeSpan time, int backlog)
    {
        var submits = new Latencies(name + ": submit");
        var leases = new Latencies(name + ": lease");
        var completes = new Latencies(name + ": complete");
        var ahead = new SemaphoreSlim(backlog);
        var before = store.Metrics;
        var processor = Environment.CpuUsage.TotalTime;
        var clock = Stopwatch.StartNew();
        var submitters = Enumerable.Range(0, 64).Select(_ => Task.Run(async () =>
        {
            while (clock.Elapsed < time)
            {
                if (await ahead.WaitAsync(TimeSpan.FromMilliseconds(100)))
                {
                    var started = Stopwatch.GetTimestamp();
                    await store.EnqueueAsync(Message(store), default);
                    submits.Add(Stopwatch.GetElapsedTime(started));
                }
            }
        }));
        var workers = Enumerable.Range(0, 32).Select(_ => Task.Run(async () =>
        {
            while (clock.Elapsed < time)
            {
                var started = Stopwatch.GetTimestamp();
                if (await store.LeaseAsync(Queue, TimeSpan.FromMinutes(1), TimeSpan.FromMilliseconds(100), default) is { } leased)
                {
                    var got = Stopwatch.GetTimestamp();
                    leases.Add(Stopwatch.GetElapsedTime(started, got));
                    await store.CompleteAsync(leased.Lease, Body.Of(Kilobyte), default);
                    completes.Add(Stopwatch.GetElapsedTime(got));
                    ahead.Release();
                }
            }
        }));
        await Task.WhenAll(submitters.Concat(workers));
        submits.Print(clock.Elapsed);
        leases.Print(clock.Elapsed);
        completes.Print(clock.Elapsed);
        PrintCommits(before, store.Metrics, Environment.CpuUsage.TotalTime - processor);
    }

    /// <summary>A message every 10 ms for a consumer that waits.</summary>
    public static async Task WakeAsync(string path)
    {
        await using var store = await OpenAsync(path);
        var wakes = new Latencies("idle consumer woken");
        var clock = Stopwatch.StartNew();
        for (var i = 0; i < 300; i++)
        {
            var waiting = store.LeaseAsync(Queue, TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(1), default).AsTask();
            await Task.Delay(10);
            var started = Stopwatch.GetTimestamp();
            var woken = waiting.ContinueWith(_ => wakes.Add(Stopwatch.GetElapsedTime(started)), TaskContinuationOptions.ExecuteSynchronously);
            await store.EnqueueAsync(Message(store), default);
            await woken;
            await store.CompleteAsync((await waiting)!.Lease, Body.Of(Kilobyte), default);
        }

        wakes.Print(clock.Elapsed);
    }

    /// <summary>300,000 results that expire while others submit.</summary>
    public static async Task RetentionAsync(string path)
    {
        const int Results = 300_000;
        await using var store = await OpenAsync(path, new QueueStoreOptions { SweepInterval = TimeSpan.FromMilliseconds(100) });
        for (var i = 0; i < Results; i += 5000)
        {
            await store.EnqueueManyAsync(Queue, [.. Enumerable.Range(0, 5000).Select(_ => Message(store))], null, default);
        }

        await Task.WhenAll(Enumerable.Range(0, 256).Select(_ => Task.Run(async () =>
        {
            while (await store.LeaseAsync(Queue, TimeSpan.FromMinutes(1), TimeSpan.Zero, default) is { } leased)
            {
                await store.CompleteAsync(leased.Lease, Body.Of(Kilobyte), default);
            }
        })));
        await SubmitAsync(store, "300k results kept: submit, 64 clients", 64, TimeSpan.FromSeconds(5));
        await store.ConfigureAsync(Queue, new QueueSettings(TimeSpan.FromSeconds(1)), default);
        var expiring = Stopwatch.StartNew();
        var submitting = SubmitAsync(store, "300k results expiring: submit, 64", 64, TimeSpan.FromSeconds(5));
        while ((await store.ListAsync(Queue, new MessageQuery(MessageStatus.Completed, 1, null), default)).Messages.Count > 0)
        {
            await Task.Delay(50);
        }

        var removed = expiring.Elapsed;
        await submitting;
        Console.WriteLine($"    removed after {removed.TotalSeconds:0.0} s");
    }

    /// <summary>Lists of each state beside many messages of the others.</summary>
    public static async Task ListAsync(SqliteQueueStore store)
    {
        foreach (var status in new MessageStatus?[] { null, MessageStatus.Waiting, MessageStatus.Completed, MessageStatus.Failed })
        {
            var lists = new Latencies($"list 50 {status?.ToString() ?? "of any state"}");
            var clock = Stopwatch.StartNew();
            for (var i = 0; i < 500; i++)
            {
                var started = Stopwatch.GetTimestamp();
                await store.ListAsync(Queue, new MessageQuery(status, 50, null), default);
                lists.Add(Stopwatch.GetElapsedTime(started));
            }

            lists.Print(clock.Elapsed);
        }
    }

    // Time of the processor tells more than rates when others use the machine too.
    private static void PrintCommits(SqliteStoreMetrics before, SqliteStoreMetrics after, TimeSpan processor)
    {
        var commits = after.Commits - before.Commits;
        var operations = after.Operations - before.Operations;
        Console.WriteLine(
            $"    {commits} commits of {operations / (double)commits:0.0} operations, {1000 * (after.CommitSeconds - before.CommitSeconds) / commits:0.00} ms each; "
            + $"{processor.TotalMicroseconds / operations:0.0} us of processor for each operation; log {after.WalBytes / 1e6:0.0} MB");
    }
}
