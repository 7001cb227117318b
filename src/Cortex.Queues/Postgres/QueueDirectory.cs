using System.Collections.Concurrent;
using Npgsql;

namespace Cortex.Queues.Postgres;

/// <summary>A queue as the database has it. Times are in microseconds.</summary>
internal sealed record QueueEntry(int Id, string Name, long Retention, long? Retired);

/// <summary>What queues there are. Kept here, and read again when another process has changed something.</summary>
internal sealed class QueueDirectory(Database database)
{
    public const string Select = "select id, name, retention, retired from queues";

    private readonly ConcurrentDictionary<string, QueueEntry> _byName = new();

    /// <summary>The queue, when it is known here.</summary>
    public QueueEntry? TryFind(string name) => _byName.GetValueOrDefault(name);

    /// <summary>The queue; null when there is none.</summary>
    public async Task<QueueEntry?> FindAsync(string name, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenRelaxedAsync(cancellationToken);
        await using var command = new NpgsqlCommand($"{Select} where name = $1", connection).Add(name);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? _byName.GetOrAdd(name, Read(reader)) : null;
    }

    /// <summary>The queues in use whose names begin with the prefix.</summary>
    public async Task<List<string>> ListAsync(string prefix, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenRelaxedAsync(cancellationToken);
        await using var command = new NpgsqlCommand("select name from queues where retired is null and starts_with(name, $1)", connection).Add(prefix);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var names = new List<string>();
        while (await reader.ReadAsync(cancellationToken))
        {
            names.Add(reader.GetString(0));
        }

        return names;
    }

    /// <summary>Makes or changes a queue, and takes it into use again.</summary>
    public async Task<int> ConfigureAsync(string name, long retention, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(
            "insert into queues (name, retention) values ($1, $2) on conflict (name) do update set retention = excluded.retention, retired = null returning id, name, retention, retired", connection)
            .Add(name).Add(retention);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return (_byName[name] = Read(reader)).Id;
    }

    /// <summary>Takes a queue out of use. Null when there is none.</summary>
    public async Task<QueueEntry?> RetireAsync(string name, long now, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand("update queues set retired = coalesce(retired, $2) where name = $1 returning id, name, retention, retired", connection).Add(name).Add(now);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? _byName[name] = Read(reader) : null;
    }

    /// <summary>Removes the entry of a queue; its messages are left to be removed. Null when there is none.</summary>
    public async Task<int?> RemoveAsync(string name, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand("delete from queues where name = $1 returning id", connection).Add(name);
        var id = await command.ExecuteScalarAsync(cancellationToken) as int?;
        _byName.TryRemove(name, out _);
        return id;
    }

    /// <summary>Reads all again.</summary>
    /// <returns>Queues known before that are not in use any more, by whether they are gone altogether.</returns>
    public async Task<List<(int Id, bool IsGone)>> RefreshAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var now = new Dictionary<string, QueueEntry>();
        var before = _byName.ToArray();
        await using (var command = new NpgsqlCommand(Select, connection))
        await using (var reader = await command.ExecuteReaderAsync(cancellationToken))
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                var entry = Read(reader);
                now[entry.Name] = entry;
            }
        }

        var ended = new List<(int, bool)>();
        foreach (var (name, known) in before)
        {
            if (!now.TryGetValue(name, out var entry) || entry.Id != known.Id)
            {
                ended.Add((known.Id, true));
            }
            else if (entry.Retired is not null && known.Retired is null)
            {
                ended.Add((known.Id, false));
            }

            // Only what did not change here meanwhile.
            if (entry is null)
            {
                _byName.TryRemove(new(name, known));
            }
            else if (entry != known)
            {
                _byName.TryUpdate(name, entry, known);
            }
        }

        return ended;
    }

    public static QueueEntry Read(NpgsqlDataReader row) => new(row.GetInt32(0), row.GetString(1), row.GetInt64(2), row.IsDBNull(3) ? null : row.GetInt64(3));
}
