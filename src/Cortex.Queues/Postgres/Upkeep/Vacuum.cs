using Cortex.Background;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Cortex.Queues.Postgres.Upkeep;

/// <summary>
/// Clears the head of the line of messages that are gone: every claim has to step over them, and the server's own vacuum comes
/// at most once a minute. Only while there is much traffic, and one process at a time. And has the plans made anew when tables have grown
/// from nothing: those for an empty table may be bad for a large one, and the server's own analysis comes as late.
/// </summary>
internal sealed class Vacuum : IAsyncDisposable
{
    private const int Enough = 20_000;
    private const int MaxSeconds = 600;
    private const string LockName = "hashtextextended('cortex queues vacuum ' || current_schema(), 0)";
    private const int Growth = 1000;
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan VacuumInterval = TimeSpan.FromSeconds(10);

    private readonly Database _database;
    private readonly ILogger _logger;
    private readonly BackgroundWork _background;
    private int _gone;
    private long _changed;

    public Vacuum(Database database, ILogger logger)
    {
        _database = database;
        _logger = logger;
        _background = new BackgroundWork(logger, TimeProvider.System);
        _background.StartLoop("the vacuum of queues", WorkAsync);
    }

    /// <summary>So many rows were changed, and so many of them have gone.</summary>
    public void Count(int changed, int gone)
    {
        Interlocked.Add(ref _changed, changed);
        Interlocked.Add(ref _gone, gone);
    }

    public async ValueTask DisposeAsync()
    {
        await _background.DisposeAsync();
    }

    private async Task WorkAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(Interval, TimeProvider.System);
        long next = Growth;
        var lastVacuum = TimeProvider.System.GetTimestamp();
        while (await timer.WaitForNextTickAsync(cancellationToken))
        {
            if (Volatile.Read(ref _gone) >= Enough && TimeProvider.System.GetElapsedTime(lastVacuum) >= VacuumInterval)
            {
                Interlocked.Exchange(ref _gone, 0);
                lastVacuum = TimeProvider.System.GetTimestamp();
                await RunAsync("vacuum (analyze, index_cleanup on, truncate off, skip_locked) messages, leases, payloads");
            }
            else if (Volatile.Read(ref _changed) >= next)
            {
                next = 4 * Volatile.Read(ref _changed);
                await RunAsync("analyze (skip_locked) messages, leases, payloads, results");
            }
        }
    }

    private async Task RunAsync(string sql)
    {
        try
        {
            await using var connection = await _database.OpenRelaxedAsync(_background.Stopping);
            if (await ScalarAsync(connection, $"select pg_try_advisory_lock({LockName})") is not true)
            {
                return;
            }

            try
            {
                await ScalarAsync(connection, sql);
            }
            finally
            {
                await ScalarAsync(connection, $"select pg_advisory_unlock({LockName})");
            }
        }
        catch (Exception e) when (e is not OperationCanceledException || !_background.Stopping.IsCancellationRequested)
        {
            _logger.UpkeepFailed(e, _database.Name);
        }
    }

    private async Task<object?> ScalarAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = MaxSeconds };
        return await command.ExecuteScalarAsync(_background.Stopping);
    }
}
