using Cortex.Background;
using Cortex.Queues.Postgres.Leasing;
using Cortex.Queues.Postgres.Writing;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Cortex.Queues.Postgres;

/// <summary>
/// The connection by which this process is known to live, hears of others' changes, and looks for itself once in a while. When it breaks it is made
/// again; what was held is held on, unless others have taken it.
/// </summary>
internal sealed class Session : IAsyncDisposable
{
    private static readonly TimeSpan MinWait = TimeSpan.FromMilliseconds(1);
    private static readonly Backoff Reconnects = new(TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(2));

    private const string LockClass = "hashtext('cortex queues ' || current_schema())";

    private readonly Database _database;
    private readonly Owner _owner;
    private readonly HeldLeases _held;
    private readonly SessionTiming _timing;
    // Not the store's clock: this is about connections and processes, which are real also where a test moves the clock.
    private readonly TimeProvider _time = TimeProvider.System;
    private readonly ILogger _logger;
    private readonly ISessionListener _listener;
    private readonly BackgroundWork _background;
    private readonly Dictionary<int, long> _silentSince = [];
    private readonly List<string> _notices = [];
    private bool _isLocked;
    private NpgsqlConnection? _connection;

    public Session(Database database, Owner owner, HeldLeases held, SessionTiming timing, ISessionListener listener, ILogger logger)
    {
        _database = database;
        _owner = owner;
        _held = held;
        _timing = timing;
        _listener = listener;
        _logger = logger;
        _background = new BackgroundWork(logger, TimeProvider.System);
    }

    /// <summary>Where notices go: one channel for each schema.</summary>
    public static string ChannelOf(string schema) => $"cortex_queues_{schema}";

    /// <summary>Registers this process.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var connection = await _database.OpenRelaxedAsync(cancellationToken);
        try
        {
            await using (var command = new NpgsqlCommand("select nextval('owner_ids')", connection))
            {
                _owner.Become((int)(long)(await command.ExecuteScalarAsync(cancellationToken))!);
            }

            await JoinAsync(connection, cancellationToken);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }

        _connection = connection;
        _background.StartLoop("the session of the queues", WorkAsync);
    }

    /// <summary>Signs off: what others would wait for is given back at once.</summary>
    public async ValueTask DisposeAsync()
    {
        await _background.DisposeAsync();
    }

    private async Task WorkAsync(CancellationToken cancellationToken)
    {
        var delay = TimeSpan.Zero;
        while (!cancellationToken.IsCancellationRequested && (_connection is not null || delay == TimeSpan.Zero || _timing.Reconnects))
        {
            try
            {
                if (_connection is null)
                {
                    await Task.Delay(delay, _time, cancellationToken);
                    _connection = await _database.OpenRelaxedAsync(cancellationToken);
                    await JoinAsync(_connection, cancellationToken);
                }

                delay = TimeSpan.Zero;
                await ListenAsync(_connection);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
            }
            catch (Exception e)
            {
                // Whatever it was: without a session this process would be taken for dead.
                var first = delay == TimeSpan.Zero;
                delay = Reconnects.Next(delay);
                if (_connection is { } broken)
                {
                    _connection = null;
                    await broken.DisposeAsync();
                }

                if (first)
                {
                    _logger.SessionBroke(e, _database.Name, _timing.OwnerGrace);
                }
            }
        }

        if (_connection is { } last)
        {
            _connection = null;
            await LeaveAsync(last);
        }
    }

    private async Task JoinAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        _isLocked = false;
        connection.Notification += (_, arguments) => _notices.Add(arguments.Payload);
        if (_timing.Notices)
        {
            await RunAsync(connection, $"listen \"{ChannelOf(_database.Schema).Replace("\"", "\"\"", StringComparison.Ordinal)}\"", cancellationToken);
        }

        await TryLockAsync(connection, cancellationToken);
        await using (var command = new NpgsqlCommand("insert into owners (id) values ($1) on conflict do nothing", connection).Add(_owner.Id))
        {
            await command.ExecuteNonQueryAsync(cancellationToken);
        }

        await RunAsync(connection, $"select pg_notify('{ChannelOf(_database.Schema).Replace("'", "''", StringComparison.Ordinal)}', '{_owner.Id} hello')", cancellationToken);
        await HoldOnAsync(connection, cancellationToken);
        await LookAsync(connection, cancellationToken);
    }

    private async Task ListenAsync(NpgsqlConnection connection)
    {
        var lastLook = _time.GetTimestamp();
        while (true)
        {
            var left = _timing.Poll - _time.GetElapsedTime(lastLook);
            if (left > TimeSpan.Zero)
            {
                // Less than a millisecond would be taken for no limit at all.
                await connection.WaitAsync(left < MinWait ? MinWait : left, _background.Stopping);
            }

            foreach (var text in _notices)
            {
                var notice = Notice.Parse(text);
                if (notice.Sender != _owner.Id && notice.Sender != 0)
                {
                    _listener.OnNotice(notice);
                }
            }

            _notices.Clear();
            if (_time.GetElapsedTime(lastLook) >= _timing.Poll)
            {
                await LookAsync(connection, _background.Stopping);
                lastLook = _time.GetTimestamp();
            }
        }
    }

    private async Task LookAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        if (!_isLocked)
        {
            await TryLockAsync(connection, cancellationToken);
        }

        if (_owner.IsOutOfStep)
        {
            _owner.IsOutOfStep = false;
            await ReleaseUnknownAsync(connection, cancellationToken);
        }

        await LookForOthersAsync(connection, cancellationToken);
        await _listener.OnLookAsync(connection, cancellationToken);
    }

    // After a broken connection the server may take a while to end the old session and its lock; until then that one shows that we live.
    private async Task TryLockAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand($"select pg_try_advisory_lock({LockClass}, $1)", connection).Add(_owner.Id);
        _isLocked = await command.ExecuteScalarAsync(cancellationToken) is true;
    }

    /// <summary>Says again what is held here: others may have thought this process dead, or a crash of the server lost all leases.</summary>
    private async Task HoldOnAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var held = _held.All();
        if (held.Count == 0)
        {
            return;
        }

        var still = new HashSet<long>();
        await using (var command = new NpgsqlCommand(
            """
            with input as (select * from unnest($1::int[], $2::bigint[], $3::bigint[]) as i (queue, seq, token)),
            again as (
                insert into leases (queue, seq, token) select i.queue, i.seq, i.token from input i join messages m on m.seq = i.seq
                on conflict do nothing returning token)
            select token from again
            union all
            select l.token from input i join leases l on l.queue = i.queue and l.seq = i.seq and l.token = i.token
            """, connection)
            .Add(held.Select(h => h.Queue).ToArray()).Add(held.Select(h => h.Lease.Id.Sequence).ToArray()).Add(held.Select(h => h.Lease.Token).ToArray()))
        await using (var reader = await command.ExecuteReaderAsync(cancellationToken))
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                still.Add(reader.GetInt64(0));
            }
        }

        var lost = 0;
        foreach (var lease in held.Where(h => !still.Contains(h.Lease.Token)))
        {
            if (_held.Remove(lease))
            {
                lease.Revoke();
                lost++;
            }
        }

        if (lost > 0)
        {
            _logger.LeasesLost(lost);
        }
    }

    /// <summary>Gives back leases that the database has for this process and that nobody here knows of.</summary>
    private async Task ReleaseUnknownAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var found = new List<(int Queue, Lease Lease)>();
        await using (var command = new NpgsqlCommand("select queue, seq, token from leases where token >= $1 and token < $2", connection)
            .Add(Owner.FirstToken(_owner.Id)).Add(Owner.FirstToken(_owner.Id + 1)))
        await using (var reader = await command.ExecuteReaderAsync(cancellationToken))
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                found.Add((reader.GetInt32(0), new Lease(new MessageId(reader.GetInt64(1), 0), reader.GetInt64(2))));
            }
        }

        // In this order: a claim that was under way when they were read is still, or what it took is held by now.
        var claimed = found.Where(f => _owner.IsBeingClaimed(f.Lease.Token)).Select(f => f.Lease.Token).ToHashSet();
        var held = _held.All().Select(h => h.Lease.Token).ToHashSet();
        var unknown = found.Where(f => !claimed.Contains(f.Lease.Token) && !held.Contains(f.Lease.Token)).Select(f => new ReleaseOperation(f.Queue, f.Lease)).ToList();
        _listener.Release(unknown);
    }

    private async Task LookForOthersAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var others = 0;
        var silent = new HashSet<int>();
        await using (var command = new NpgsqlCommand(
            $"""
            select o.id, exists (
                select from pg_locks l
                where l.locktype = 'advisory' and l.objsubid = 2 and l.granted
                    and l.database = (select d.oid from pg_database d where d.datname = current_database())
                    and l.classid::bigint = ({LockClass}::bigint & 4294967295) and l.objid::bigint = o.id)
            from owners o where o.id <> $1
            """, connection).Add(_owner.Id))
        await using (var reader = await command.ExecuteReaderAsync(cancellationToken))
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                others++;
                if (!reader.GetBoolean(1))
                {
                    silent.Add(reader.GetInt32(0));
                }
            }
        }

        _listener.OnOthers(others);
        foreach (var back in _silentSince.Keys.Where(id => !silent.Contains(id)).ToList())
        {
            _silentSince.Remove(back);
        }

        foreach (var id in silent)
        {
            if (_silentSince.TryAdd(id, _time.GetTimestamp()) || _time.GetElapsedTime(_silentSince[id]) < _timing.OwnerGrace)
            {
                continue;
            }

            _silentSince.Remove(id);
            var queues = await RemoveOwnerAsync(connection, id, cancellationToken);
            if (queues.Count > 0)
            {
                _logger.OwnerGone(id, queues.Count);
                _listener.OnNotice(new Notice(id, queues.ToHashSet(), [], [], false));
            }
        }
    }

    private static async Task<List<int>> RemoveOwnerAsync(NpgsqlConnection connection, int id, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            """
            with gone as (delete from owners where id = $1 returning id)
            delete from leases where token >= $2 and token < $3 and exists (select from gone) returning queue
            """, connection).Add(id).Add(Owner.FirstToken(id)).Add(Owner.FirstToken(id + 1));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var queues = new List<int>();
        while (await reader.ReadAsync(cancellationToken))
        {
            queues.Add(reader.GetInt32(0));
        }

        return queues;
    }

    private async Task LeaveAsync(NpgsqlConnection connection)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5), _time);
        try
        {
            var queues = await RemoveOwnerAsync(connection, _owner.Id, limit.Token);
            if (queues.Count > 0)
            {
                var notice = new Notice(_owner.Id, queues.ToHashSet(), [], [], false);
                await using var command = new NpgsqlCommand("select pg_notify($1, $2)", connection).Add(ChannelOf(_database.Schema)).Add(notice.Format().First());
                await command.ExecuteNonQueryAsync(limit.Token);
            }
        }
        catch (Exception e) when (Database.IsDatabaseError(e) || e is OperationCanceledException)
        {
            // The others wait out the grace.
        }

        // Not into the pool: it listens and holds the lock.
        NpgsqlConnection.ClearPool(connection);
        await connection.DisposeAsync();
    }

    private static async Task RunAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
