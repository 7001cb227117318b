using Cortex.Queues.Postgres.Reading;
using Npgsql;

namespace Cortex.Queues.Postgres.Leasing;

/// <summary>Takes messages from the head of a queue's line, those that other processes are about to take left out.</summary>
internal static class Claim
{
    private const string Free = "(select l.token from leases l where l.queue = m.queue and l.seq = m.seq) is null";

    /*
     * first: the oldest of all priorities. next: the highest priority. Both lock what they take, so that two processes
     * take different messages; should one's lease have become visible meanwhile, the other's is not written.
     */
    private const string Sql = $"""
        with open_queue as materialized (
            select id from queues where id = $1 and retired is null),
        first as materialized (
            select o.seq from generate_series(0, 9) as p (priority)
            cross join lateral (
                select m.seq, m.place from messages m
                where m.queue = (select id from open_queue) and m.state = 0 and m.priority = p.priority and {Free}
                order by m.place limit $3 for update of m skip locked) o
            order by o.place limit $3),
        next as materialized (
            select m.seq from messages m
            where m.queue = (select id from open_queue) and m.state = 0 and {Free} and m.seq <> all (array(select seq from first))
            order by m.priority desc, m.place limit $2 for update of m skip locked),
        taken as (
            insert into leases (queue, seq, token)
            select $1, c.seq, $4 + row_number() over () from (select seq from first union all select seq from next) c
            on conflict do nothing
            returning seq, token)
        select t.seq, t.token, m.secret, m.priority, m.enqueued, m.failed, m.lost, m.follow_queue is not null, p.head, p.body, p.blob, p.length
        from taken t join messages m on m.seq = t.seq join payloads p on p.seq = t.seq
        """;

    /// <summary>Takes up to <paramref name="count"/> messages.</summary>
    /// <param name="connection">Need not wait for the disk: a lease that a crash of the database loses is only taken again.</param>
    /// <param name="queue">The queue.</param>
    /// <param name="count">How many at most.</param>
    /// <param name="fair">How many of them are to be the oldest whatever their priority.</param>
    /// <param name="tokens">The last token that was used; the next <paramref name="count"/> are free.</param>
    /// <param name="held">Told of every lease that was taken.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static async Task<List<Fetched>> RunAsync(NpgsqlConnection connection, int queue, int count, int fair, long tokens, HeldLeases held, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(Sql, connection);
        command.Add(queue).Add((long)(count - fair)).Add((long)fair).Add(tokens);
        var fetched = new List<Fetched>(count);
        await using (var reader = await command.ExecuteReaderAsync(cancellationToken))
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                fetched.Add(Read(reader, queue));
            }
        }

        // Noted only when the answer was complete: after an error they are told to be nobody's.
        fetched.ForEach(f => held.Add(f.Held));
        return fetched;
    }

    private static Fetched Read(NpgsqlDataReader row, int queue)
    {
        var lease = new Lease(new MessageId(row.GetInt64(0), row.GetInt64(2)), row.GetInt64(1));
        var held = new HeldLease(lease, queue, row.GetBoolean(7));
        var message = new LeasedMessage
        {
            Lease = lease,
            Priority = row.GetInt16(3),
            EnqueuedAt = StoreClock.ToTime(row.GetInt64(4)),
            FailedAttempts = row.GetInt32(5),
            LostAttempts = row.GetInt32(6),
            Head = row.GetFieldValue<byte[]>(8),
            Payload = row.ReadBody(9, 10, 11),
            Revoked = held.Revoked,
        };
        return new Fetched(held, message);
    }
}
