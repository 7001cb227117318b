using Npgsql;

namespace Cortex.Queues.Postgres.Reading;

/// <summary>Reads messages by id and in lists. Each answer is of one moment.</summary>
internal sealed class MessageReader(Database database, StoreClock clock)
{
    private const string FindSql = """
        select case when l.token is null then 0 else 1 end, m.secret, m.priority, m.enqueued, m.due, null::bigint, m.failed, m.lost, null::bigint, null::bigint,
            l.token, m.attempts, p.head, p.body, p.blob, p.length, null::bytea, null::text, 0::bigint
        from messages m join payloads p on p.seq = m.seq left join leases l on l.queue = m.queue and l.seq = m.seq
        where m.seq = $1 and m.secret = $2 and m.queue = $3
        union all
        select r.status::int, r.secret, r.priority, r.enqueued, 0, r.finished, r.failed, r.lost, r.follow_seq, r.follow_secret,
            null, r.attempts, p.head, p.body, p.blob, p.length, r.body, r.blob, r.length
        from results r left join payloads p on p.seq = r.seq
        where r.seq = $1 and r.secret = $2 and r.queue = $3
        """;

    private const string TotalSql = """
        select (select count(*) from messages where queue = $1), (select count(*) from results where queue = $1 and status = $2)
        """;

    // Ends of index ranges, put together: of each priority, of each final status.
    private const string ListSql = """
        select * from (
            (select w.* from generate_series(0, 1) s (state) cross join generate_series(0, 9) p (priority) cross join lateral (
                select m.seq, 0 as status, m.secret, m.priority, m.enqueued, m.due, null::bigint as finished, m.failed, m.lost, null::bigint as follow_seq, null::bigint as follow_secret, null::bigint as token
                from messages m
                where $4 and m.queue = $1 and m.state = s.state and m.priority = p.priority and m.place < $2
                    and (select l.token from leases l where l.queue = m.queue and l.seq = m.seq and l.token <> all ($7::bigint[])) is null
                order by m.place desc limit $3) w)
            union all
            (select m.seq, 1, m.secret, m.priority, m.enqueued, m.due, null, m.failed, m.lost, null, null, l.token
                from leases l join messages m on m.seq = l.seq
                where $5 and l.queue = $1 and l.seq < $2 and l.token <> all ($7::bigint[]) order by l.seq desc limit $3)
            union all
            (select f.* from unnest($6::int[]) s (status) cross join lateral (
                select r.seq, r.status::int, r.secret, r.priority, r.enqueued, 0::bigint, r.finished, r.failed, r.lost, r.follow_seq, r.follow_secret, null::bigint
                from results r where r.queue = $1 and r.status = s.status and r.place < $2 order by r.place desc limit $3) f)
        ) found order by seq desc limit $3
        """;

    /// <summary>How many messages of a queue there are.</summary>
    public async Task<QueueTotals> TotalAsync(int queue, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenRelaxedAsync(cancellationToken);
        await using var command = new NpgsqlCommand(TotalSql, connection).Add(queue).Add((short)MessageStatus.Failed);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        await row.ReadAsync(cancellationToken);
        return new QueueTotals(row.GetInt64(0), row.GetInt64(1));
    }

    /// <param name="queue">The queue.</param>
    /// <param name="id">The message.</param>
    /// <param name="aheadToken">The token of this process when it holds the message without working on it.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task<MessageRecord?> FindAsync(int queue, MessageId id, Func<long, bool> aheadToken, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenRelaxedAsync(cancellationToken);
        await using var command = new NpgsqlCommand(FindSql, connection).Add(id.Sequence).Add(id.Secret).Add(queue);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        if (!await row.ReadAsync(cancellationToken))
        {
            return null;
        }

        var status = (MessageStatus)row.GetInt32(0);
        if (status == MessageStatus.Leased && aheadToken(row.GetInt64(10)))
        {
            status = MessageStatus.Waiting;
        }

        var isCompleted = status == MessageStatus.Completed;
        var hasPayload = !isCompleted && !row.IsDBNull(12);
        return new MessageRecord
        {
            Id = id,
            Status = status,
            Priority = row.GetInt16(2),
            EnqueuedAt = StoreClock.ToTime(row.GetInt64(3)),
            NotBefore = NotBefore(status, row.GetInt64(4)),
            FinishedAt = row.IsDBNull(5) ? null : StoreClock.ToTime(row.GetInt64(5)),
            FailedAttempts = row.GetInt32(6),
            LostAttempts = row.GetInt32(7),
            FollowUp = row.IsDBNull(8) ? null : new MessageId(row.GetInt64(8), row.GetInt64(9)),
            Attempts = row.IsDBNull(11) ? [] : [.. row.GetFieldValue<byte[][]>(11).SelectMany(a => AttemptCodec.Decode(a))],
            Head = hasPayload ? row.GetFieldValue<byte[]>(12) : default,
            Payload = hasPayload ? row.ReadBody(13, 14, 15) : null,
            Result = isCompleted ? row.ReadBody(16, 17, 18) : null,
            Answer = status == MessageStatus.Failed && row.GetInt64(18) > 0 ? row.ReadBody(16, 17, 18) : null,
        };
    }

    public async Task<MessagePage> ListAsync(int queue, MessageQuery query, long[] ahead, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenRelaxedAsync(cancellationToken);
        await using var command = new NpgsqlCommand(ListSql, connection)
            .Add(queue)
            .Add(query.Cursor ?? long.MaxValue)
            .Add((long)query.Limit)
            .Add(query.Status is null or MessageStatus.Waiting)
            .Add(query.Status is null or MessageStatus.Leased)
            .Add(query.Status switch { null => [2, 3, 4], >= MessageStatus.Completed and var s => [(int)s], _ => Array.Empty<int>() })
            .Add(ahead);
        var found = new List<MessageRecord>();
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        while (await row.ReadAsync(cancellationToken))
        {
            var status = (MessageStatus)row.GetInt32(1);
            found.Add(new MessageRecord
            {
                Id = new MessageId(row.GetInt64(0), row.GetInt64(2)),
                Status = status,
                Priority = row.GetInt16(3),
                EnqueuedAt = StoreClock.ToTime(row.GetInt64(4)),
                NotBefore = NotBefore(status, row.GetInt64(5)),
                FinishedAt = row.IsDBNull(6) ? null : StoreClock.ToTime(row.GetInt64(6)),
                FailedAttempts = row.GetInt32(7),
                LostAttempts = row.GetInt32(8),
                FollowUp = row.IsDBNull(9) ? null : new MessageId(row.GetInt64(9), row.GetInt64(10)),
            });
        }

        return new MessagePage(found, found.Count == query.Limit ? found[^1].Id.Sequence : null);
    }

    public async Task<string?> CheckpointAsync(int queue, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenRelaxedAsync(cancellationToken);
        await using var command = new NpgsqlCommand("select checkpoint from queues where id = $1", connection).Add(queue);
        return await command.ExecuteScalarAsync(cancellationToken) as string;
    }

    public async Task<bool> OwnsBlobAsync(string name, MessageId id, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenRelaxedAsync(cancellationToken);
        await using var command = new NpgsqlCommand(
            "select exists (select from payloads where seq = $1 and blob = $2) or exists (select from results where seq = $1 and blob = $2)", connection).Add(id.Sequence).Add(name);
        return await command.ExecuteScalarAsync(cancellationToken) is true;
    }

    private DateTimeOffset? NotBefore(MessageStatus status, long due) =>
        status == MessageStatus.Waiting && due > clock.Steady ? clock.WallOf(due) : null;
}
