using Npgsql;

namespace Cortex.Queues.Postgres;

/// <summary>What a process looks for once in a while, in case a notice was lost.</summary>
internal sealed class Looks(NpgsqlConnection connection)
{
    /// <summary>Those of the queues in which something can be leased.</summary>
    public async Task<List<int>> WithWorkAsync(int[] queues, CancellationToken cancellationToken)
    {
        var found = new List<int>();
        if (queues.Length > 0)
        {
            await using var command = new NpgsqlCommand(
                """
                select q from unnest($1::int[]) q where (
                    select true from messages m where m.queue = q and m.state = 0 and (select l.token from leases l where l.queue = m.queue and l.seq = m.seq) is null
                    order by m.priority desc, m.place limit 1)
                """, connection).Add(queues);
            await using var row = await command.ExecuteReaderAsync(cancellationToken);
            while (await row.ReadAsync(cancellationToken))
            {
                found.Add(row.GetInt32(0));
            }
        }

        return found;
    }

    /// <summary>Those of the messages that are final or gone.</summary>
    public async Task<List<long>> EndedAsync(List<long> sequences, CancellationToken cancellationToken)
    {
        var ended = new List<long>();
        if (sequences.Count > 0)
        {
            await using var command = new NpgsqlCommand(
                "select s from unnest($1::bigint[]) s where not exists (select from messages m where m.seq = s)", connection).Add(sequences.ToArray());
            await using var row = await command.ExecuteReaderAsync(cancellationToken);
            while (await row.ReadAsync(cancellationToken))
            {
                ended.Add(row.GetInt64(0));
            }
        }

        return ended;
    }

    /// <summary>The last block of ids that any process was given.</summary>
    public async Task<long> NewestBlockAsync(CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("select last_value from id_blocks", connection);
        return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
    }
}
