using System.Diagnostics;
using Cortex.Queues;
using Cortex.Queues.Postgres;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Cortex.Bench.Queues;

/// <summary>The store on PostgreSQL, whose own processes share the cores.</summary>
internal static class PostgresRates
{
    private const int Million = 1_000_000;
    private const int Loaders = 256;

    public static async Task RunAsync(string connection, string[] wanted)
    {
        Console.WriteLine($"{"",-40}{"per s",10}{"p50 ms",10}{"p99 ms",10}{"p99.9",10}{"max",10}");
        if (wanted.Contains("submit"))
        {
            foreach (var clients in new[] { 1, 16, 64, 256 })
            {
                await using var store = await OpenAsync(connection);
                await Rates.SubmitAsync(store, $"submit, {clients} clients", clients, TimeSpan.FromSeconds(6));
            }
        }

        if (wanted.Contains("cycles"))
        {
            await using (var store = await OpenAsync(connection))
            {
                await Rates.CyclesAsync(store, "cycles, 64 submit + 32 work", TimeSpan.FromSeconds(30), backlog: 2000);
            }

            await using var idle = await OpenAsync(connection);
            await Rates.WakeAsync(idle);
        }

        if (wanted.Contains("shared"))
        {
            await using var first = await OpenAsync(connection);
            await using var second = await OpenAsync(connection, empty: false);
            await Task.WhenAll(
                Rates.CyclesAsync(first, "one of two stores on one database", TimeSpan.FromSeconds(15), backlog: 1000),
                Rates.CyclesAsync(second, "the other", TimeSpan.FromSeconds(15), backlog: 1000));
        }

        if (wanted.Contains("million"))
        {
            await MillionAsync(connection);
        }
    }

    private static async Task MillionAsync(string connection)
    {
        await using (var store = await OpenAsync(connection))
        {
            var clock = Stopwatch.StartNew();
            await Task.WhenAll(Enumerable.Range(0, Loaders).Select(_ => Task.Run(async () =>
            {
                for (var i = 0; i < Million / Loaders; i++)
                {
                    await store.EnqueueAsync(Rates.Message(store), default);
                }
            })));
            Console.WriteLine($"1M put in by {Loaders} clients in {clock.Elapsed.TotalSeconds:0.0} s ({Million / clock.Elapsed.TotalSeconds:0}/s); resident {Environment.WorkingSet / 1e6:0} MB");
            await Rates.SubmitAsync(store, "1M waiting: submit, 64 clients", 64, TimeSpan.FromSeconds(6));
            await Rates.CyclesAsync(store, "1M waiting", TimeSpan.FromSeconds(15), backlog: 2000);
            clock.Restart();
            var counts = await store.CountAsync(Rates.Queue, default);
            Console.WriteLine($"counted {counts.Waiting} waiting in {clock.Elapsed.TotalMilliseconds:0} ms; resident {Environment.WorkingSet / 1e6:0} MB");
        }

        var opening = Stopwatch.StartNew();
        await using var again = await OpenAsync(connection, empty: false);
        var leased = await again.LeaseAsync(Rates.Queue, TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(1), default);
        Console.WriteLine($"opened again, first message leased after {opening.Elapsed.TotalMilliseconds:0} ms");
        await again.ReleaseAsync(leased!.Lease, default);
    }

    private static async Task<PostgresQueueStore> OpenAsync(string connection, bool empty = true)
    {
        if (empty)
        {
            await using var source = NpgsqlDataSource.Create(connection);
            await using var drop = source.CreateCommand("drop schema if exists cortex cascade");
            await drop.ExecuteNonQueryAsync();
        }

        var store = await PostgresQueueStore.OpenAsync(connection, new QueueStoreOptions(), new NoBlobs(), TimeProvider.System, new ConsoleLogger());
        await store.ConfigureAsync(Rates.Queue, new QueueSettings(TimeSpan.FromDays(7)), default);
        return store;
    }

    /// <summary>Warnings belong into a measurement.</summary>
    private sealed class ConsoleLogger : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Console.WriteLine($"{logLevel}: {formatter(state, exception)} {exception?.Message}");
    }
}
