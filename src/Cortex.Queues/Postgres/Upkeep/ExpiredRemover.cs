using Cortex.Background;
using Cortex.Queues.Postgres.Reading;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Cortex.Queues.Postgres.Upkeep;

/// <summary>Removes what has expired and what deleted queues left, in small chunks. One process at a time does it.</summary>
internal sealed class ExpiredRemover : IAsyncDisposable
{
    private const int Chunk = 500;
    private const string LockName = "hashtextextended('cortex queues sweep ' || current_schema(), 0)";

    // Rows of final messages, with all that hangs on them.
    private const string RemoveResults = """
        with gone as (
            delete from results r where r.seq = any (array({0})) returning r.seq, r.blob),
        payload as (
            delete from payloads p using gone g where p.seq = g.seq returning p.blob)
        select 1, blob from gone union all select 0, blob from payload where blob is not null
        """;

    private const string RemoveMessages = """
        with gone as (
            delete from messages m where m.seq = any (array(select o.seq from messages o where o.queue = $1 order by o.state, o.priority desc, o.place limit $2)) returning m.seq, m.queue),
        payload as (
            delete from payloads p using gone g where p.seq = g.seq returning p.blob),
        freed as (
            delete from leases where ctid = any (array(select (select l.ctid from leases l where l.queue = g.queue and l.seq = g.seq) from gone g)))
        select 1, null from gone union all select 0, blob from payload where blob is not null
        """;

    private const string RemoveKeys = """
        delete from keys k where k.queue = $1 and k.key = any (array(select o.key from keys o where o.queue = $1 and o.created <= $3 order by o.created limit $2))
        returning 1, null::text
        """;

    // Loose index scans: each step jumps to the next queue.
    private const string QueuesWithoutEntry = """
        with recursive seen (queue) as (
            select * from (
                (select queue from messages order by queue limit 1) union all (select queue from results order by queue limit 1) union all (select queue from keys order by queue limit 1)) a
            union
            select b.queue from seen s cross join lateral (
                (select m.queue from messages m where m.queue > s.queue order by m.queue limit 1)
                union all (select r.queue from results r where r.queue > s.queue order by r.queue limit 1)
                union all (select k.queue from keys k where k.queue > s.queue order by k.queue limit 1)) b)
        select s.queue from seen s where not exists (select from queues q where q.id = s.queue)
        """;

    private static readonly string RemoveExpired = RemoveResults.Replace("{0}", "select o.seq from results o where o.queue = $1 and o.finished <= $3 order by o.finished limit $2", StringComparison.Ordinal);
    private static readonly string RemoveLeft = RemoveResults.Replace("{0}", "select o.seq from results o where o.queue = $1 order by o.finished limit $2", StringComparison.Ordinal);

    private readonly Bell _bell = new();
    private readonly Database _database;
    private readonly StoreClock _clock;
    private readonly ClusterIdentity? _cluster;
    private readonly Action<string> _removeBlob;
    private readonly Func<string, Task> _delete;
    private readonly ILogger _logger;
    private readonly ITimer _timer;
    private readonly BackgroundWork _background;

    // removeBlob: told of blobs that belong to nothing any more. delete: deletes a queue by name.
    public ExpiredRemover(Database database, StoreClock clock, ClusterIdentity? cluster, TimeSpan interval, Action<string> removeBlob, Func<string, Task> delete, ILogger logger)
    {
        _database = database;
        _clock = clock;
        _cluster = cluster;
        _removeBlob = removeBlob;
        _delete = delete;
        _logger = logger;
        _timer = clock.Time.CreateTimer(_ => Wake(), null, interval, interval);
        _background = new BackgroundWork(logger, clock.Time);
        _background.StartLoop("the sweeper of queues", WorkAsync);
    }

    /// <summary>There is something to remove.</summary>
    public void Wake() => _bell.Ring();

    public async ValueTask DisposeAsync()
    {
        await _timer.DisposeAsync();
        await _background.DisposeAsync();
    }

    private async Task WorkAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                await SweepAsync(cancellationToken);
            }
            catch (Exception e) when (e is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
            {
                _logger.UpkeepFailed(e, _database.Name);
            }

            await _bell.WaitAsync(cancellationToken);
        }
    }

    private async Task SweepAsync(CancellationToken cancellationToken)
    {
        await using var connection = await _database.OpenAsync(cancellationToken);
        if (!await IsTrueAsync(connection, $"select pg_try_advisory_lock({LockName})", cancellationToken))
        {
            return;
        }

        try
        {
            await CheckOwnerAsync(connection, cancellationToken);
            await NoteTimeAsync(connection, cancellationToken);
            var now = _clock.Wall;
            foreach (var queue in await QueuesAsync(connection, cancellationToken))
            {
                if (queue.Retired is not { } retired)
                {
                    await RemoveAllAsync(connection, RemoveExpired, queue.Id, now - queue.Retention, cancellationToken);
                    await RemoveAllAsync(connection, RemoveKeys, queue.Id, now - queue.Retention, cancellationToken);
                }
                else if (retired + queue.Retention <= now)
                {
                    // It was in use again if it had been configured since; then it is not retired.
                    await _delete(queue.Name);
                }
            }

            foreach (var left in await WithoutEntryAsync(connection, cancellationToken))
            {
                await RemoveAllAsync(connection, RemoveMessages, left, null, cancellationToken);
                await RemoveAllAsync(connection, RemoveLeft, left, null, cancellationToken);
                await RemoveAllAsync(connection, RemoveKeys, left, long.MaxValue, cancellationToken);
            }
        }
        finally
        {
            await IsTrueAsync(connection, $"select pg_advisory_unlock({LockName})", CancellationToken.None);
        }
    }

    // Another cluster may have adopted the tables since the start.
    private async Task CheckOwnerAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        if (_cluster is not null)
        {
            var (owner, label) = await Schema.OwnerAsync(connection, cancellationToken);
            (_cluster with { Adopt = null }).MustMark($"schema {_database.Schema} of PostgreSQL at {_database.Name}", owner, label);
        }
    }

    private async Task NoteTimeAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("update format set steady = $1 where steady < $1", connection).Add(_clock.Steady);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private async Task RemoveAllAsync(NpgsqlConnection connection, string sql, int queue, long? until, CancellationToken cancellationToken)
    {
        int count;
        do
        {
            count = 0;
            await using var command = new NpgsqlCommand(sql, connection).Add(queue).Add((long)Chunk);
            if (until is { } time)
            {
                command.Add(time);
            }

            var blobs = new List<string>();
            await using (var row = await command.ExecuteReaderAsync(cancellationToken))
            {
                while (await row.ReadAsync(cancellationToken))
                {
                    count += row.GetInt32(0);
                    if (row.ReadNullableText(1) is { } blob)
                    {
                        blobs.Add(blob);
                    }
                }
            }

            blobs.ForEach(_removeBlob);
        }
        while (count == Chunk);
    }

    private static async Task<List<QueueEntry>> QueuesAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var queues = new List<QueueEntry>();
        await using var command = new NpgsqlCommand(QueueDirectory.Select, connection);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        while (await row.ReadAsync(cancellationToken))
        {
            queues.Add(QueueDirectory.Read(row));
        }

        return queues;
    }

    private static async Task<List<int>> WithoutEntryAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var queues = new List<int>();
        await using var command = new NpgsqlCommand(QueuesWithoutEntry, connection);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        while (await row.ReadAsync(cancellationToken))
        {
            queues.Add(row.GetInt32(0));
        }

        return queues;
    }

    private static async Task<bool> IsTrueAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync(cancellationToken) is true;
    }
}
