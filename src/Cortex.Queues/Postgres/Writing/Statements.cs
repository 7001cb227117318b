using System.Text;
using Npgsql;

namespace Cortex.Queues.Postgres.Writing;

/// <summary>
/// The writing statements, each for many operations at once. An operation's place in its list, from 1, comes back when it
/// took effect. Deleting the row in messages is what makes one of several wishes to end a message the only one.
/// </summary>
internal static class Statements
{
    private const string Input = """
        with input as (
            select * from unnest($2::int[], $3::bigint[], $4::bigint[], $5::int[], $6::bigint[], $7::int[], $8::text[], $9::bytea[], $10::bytea[], $11::text[], $12::bigint[])
                with ordinality as i (queue, seq, secret, priority, due, follow_queue, key, head, body, blob, length, n)),

        """;

    private const string InsertPlain = Input + """
        admitted as (
            select i.* from input i where exists (select from queues q where q.id = i.queue and q.retired is null)),
        stored as (
            insert into payloads (seq, length, head, body, blob) select seq, length, head, body, blob from admitted),
        lined as (
            insert into messages (seq, place, secret, enqueued, due, queue, follow_queue, state, priority)
            select seq, seq, secret, $1, due, queue, nullif(follow_queue, 0), case when due = 0 then 0 else 1 end, priority from admitted)
        select n::int from admitted
        """;

    private const string InsertKeyed = """
        with input as (
            select * from unnest($2::int[], $3::bigint[], $4::bigint[], $5::int[], $6::bigint[], $7::int[], $8::text[], $9::bytea[], $10::bytea[], $11::text[], $12::bigint[], $13::bytea[])
                with ordinality as i (queue, seq, secret, priority, due, follow_queue, key, head, body, blob, length, digest, n)),
        admitted as (
            insert into keys (queue, key, seq, secret, created, digest)
            select i.queue, i.key, i.seq, i.secret, $1, i.digest from input i
            where exists (select from queues q where q.id = i.queue and q.retired is null)
            order by i.queue, i.key
            on conflict do nothing
            returning seq),
        stored as (
            insert into payloads (seq, length, head, body, blob)
            select i.seq, i.length, i.head, i.body, i.blob from input i where i.seq in (select seq from admitted)),
        lined as (
            insert into messages (seq, place, secret, enqueued, due, queue, follow_queue, state, priority)
            select i.seq, i.seq, i.secret, $1, i.due, i.queue, nullif(i.follow_queue, 0), case when i.due = 0 then 0 else 1 end, i.priority
            from input i where i.seq in (select seq from admitted))
        select i.n::int from input i where i.seq in (select seq from admitted)
        """;

    private const string DropOldKeys = """
        delete from keys k using unnest($2::int[], $3::text[]) as i (queue, key), queues q
        where k.queue = i.queue and k.key = i.key and q.id = k.queue and k.created <= $1 - q.retention
        """;

    private const string SelectKeys = """
        select i.n::int, k.seq, k.secret, k.digest
        from unnest($1::int[], $2::text[], $3::bigint[]) with ordinality as i (queue, key, seq, n)
        join keys k on k.queue = i.queue and k.key = i.key
        where k.seq <> i.seq
        """;

    // A lease of somebody else protects a message, none does not: that of the caller may have expired.
    // Leases are found by subqueries, which always go by the index; a join would not while there are few.
    // A message that was put back (its ended_token is -1) takes the lease that stands and no other: those from before count no more.
    // Messages of a deleted queue are there until they are swept, but count no more.
    private const string NotHeldByAnother = """
        m.ended_token is distinct from i.token
                and exists (select from queues q where q.id = m.queue)
                and coalesce((select l.token from leases l where l.queue = m.queue and l.seq = m.seq), case when m.ended_token = -1 then null else i.token end) = i.token
        """;

    private const string FinishMessages = $"""
        with input as (
            select * from unnest($2::bigint[], $3::bigint[], $4::int[], $5::bigint[], $6::int[], $7::bytea[], $8::text[], $9::bigint[], $10::bytea[], $11::bigint[], $12::bigint[], $13::bytea[])
                with ordinality as i (seq, secret, queue, token, status, body, blob, length, attempt, follow_seq, follow_secret, follow_body, n)),
        gone as (
            delete from messages m using input i
            where m.seq = i.seq and m.secret = i.secret and (i.queue = 0 or m.queue = i.queue)
                and (i.token = 0 or ({NotHeldByAnother}))
            returning m.seq, m.secret, m.queue, m.enqueued, m.priority, m.lost, m.follow_queue,
                case when i.attempt is null then m.failed else m.failed + 1 end as failed,
                case when i.attempt is null then m.attempts
                    else (array_append(m.attempts, i.attempt))[greatest(1, coalesce(cardinality(m.attempts), 0) + 2 - $14):] end as attempts,
                (select q.id from queues q where q.id = m.follow_queue and q.retired is null) as target,
                i.status, i.body, i.blob, i.length, i.follow_seq, i.follow_secret, i.follow_body, i.n),
        freed as (
            delete from leases where ctid = any (array(select (select l.ctid from leases l where l.queue = g.queue and l.seq = g.seq) from gone g))),
        dropped as (
            delete from payloads p using gone g where p.seq = g.seq and g.status = 2 returning p.blob),
        follow as (
            insert into messages (seq, place, secret, enqueued, due, queue, state, priority)
            select follow_seq, follow_seq, follow_secret, $1, 0, target, 0, 0 from gone where target is not null),
        follow_payload as (
            insert into payloads (seq, length, head, body)
            select g.follow_seq, length(g.follow_body), p.head, g.follow_body from gone g join payloads p on p.seq = g.seq where g.target is not null),
        done as (
            insert into results (seq, place, secret, enqueued, finished, follow_seq, follow_secret, length, queue, follow_queue, failed, lost, status, priority, attempts, blob, body)
            select seq, seq, secret, enqueued, $1, case when target is not null then follow_seq end, case when target is not null then follow_secret end,
                length, queue, follow_queue, failed, lost, status, priority, attempts, blob, body from gone)
        select n::int, target, null from gone
        union all
        select null, null, blob from dropped where blob is not null
        """;

    private const string DeferMessages = $"""
        with input as (
            select * from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::int[], $6::bytea[])
                with ordinality as i (seq, secret, token, due, lost, attempt, n)),
        changed as (
            update messages m set
                state = case when i.due = 0 then 0 else 1 end, due = i.due, failed = m.failed + 1 - i.lost, lost = m.lost + i.lost, ended_token = case when m.ended_token = -1 then -1 else i.token end,
                attempts = (array_append(m.attempts, i.attempt))[greatest(1, coalesce(cardinality(m.attempts), 0) + 2 - $7):]
            from input i
            where m.seq = i.seq and m.secret = i.secret and {NotHeldByAnother}
            returning m.queue, m.seq, i.n),
        freed as (
            delete from leases where ctid = any (array(select (select l.ctid from leases l where l.queue = c.queue and l.seq = c.seq) from changed c)))
        select n::int, queue from changed
        """;

    private const string ReleaseLeases = """
        delete from leases where ctid = any (array(
            select (select l.ctid from leases l where l.queue = i.queue and l.seq = i.seq and l.token = i.token)
            from unnest($1::int[], $2::bigint[], $3::bigint[]) as i (queue, seq, token)))
        returning queue
        """;

    private const string RestoreMessages = """
        with input as (
            select * from unnest($1::int[], $2::bigint[], $3::bigint[]) with ordinality as i (queue, seq, secret, n)),
        gone as (
            delete from results r using input i
            where r.seq = i.seq and r.secret = i.secret and r.queue = i.queue and r.status in (3, 4)
                and exists (select from queues q where q.id = r.queue and q.retired is null)
            returning r.*, i.n),
        lined as (
            insert into messages (seq, place, secret, enqueued, due, queue, follow_queue, ended_token, state, priority, attempts)
            select seq, seq, secret, enqueued, 0, queue, follow_queue, -1, 0, priority, attempts from gone)
        select n::int, blob from gone
        """;

    public static NpgsqlBatchCommand Enqueue(List<EnqueueOperation> operations, long now) => WithMessages(InsertPlain, operations, now);

    public static NpgsqlBatchCommand EnqueueKeyed(List<EnqueueOperation> operations, long now) => WithMessages(InsertKeyed, operations, now)
        .AddBytes(Each(operations, o => o.Digest));

    /// <summary>Removes keys that have had their time. Gives no rows.</summary>
    public static NpgsqlBatchCommand ForgetKeys(List<EnqueueOperation> operations, long now) => new NpgsqlBatchCommand(DropOldKeys)
        .Add(now)
        .Add(Each(operations, o => o.Queue))
        .AddTexts(Each(operations, o => o.Message.IdempotencyKey));

    public static NpgsqlBatchCommand FindKeys(List<EnqueueOperation> operations) => new NpgsqlBatchCommand(SelectKeys)
        .Add(Each(operations, o => o.Queue))
        .AddTexts(Each(operations, o => o.Message.IdempotencyKey))
        .Add(Each(operations, o => o.Message.Id.Sequence));

    public static NpgsqlBatchCommand Finish(List<FinishOperation> operations, long now, int attemptsKept) => new NpgsqlBatchCommand(FinishMessages)
        .Add(now)
        .Add(Each(operations, o => o.Id.Sequence))
        .Add(Each(operations, o => o.Id.Secret))
        .Add(Each(operations, o => o.Queue))
        .Add(Each(operations, o => o.Token))
        .Add(Each(operations, o => (int)o.Status))
        .AddBytes(Each(operations, o => o.ResultBytes))
        .AddTexts(Each(operations, o => o.Result.Blob))
        .Add(Each(operations, o => o.Result.Length))
        .AddBytes(Each(operations, o => o.Attempt))
        .Add(Each(operations, o => o.FollowUp?.Sequence ?? 0))
        .Add(Each(operations, o => o.FollowUp?.Secret ?? 0))
        .AddBytes(Each(operations, o => o.FollowUp is null ? null : Encoding.ASCII.GetBytes(o.Id.ToString())))
        .Add(attemptsKept);

    public static NpgsqlBatchCommand Defer(List<DeferOperation> operations, int attemptsKept) => new NpgsqlBatchCommand(DeferMessages)
        .Add(Each(operations, o => o.Lease.Id.Sequence))
        .Add(Each(operations, o => o.Lease.Id.Secret))
        .Add(Each(operations, o => o.Lease.Token))
        .Add(Each(operations, o => o.Due))
        .Add(Each(operations, o => o.IsLost ? 1 : 0))
        .AddBytes(Each(operations, o => (byte[]?)o.Attempt))
        .Add(attemptsKept);

    public static NpgsqlBatchCommand Release(List<ReleaseOperation> operations) => new NpgsqlBatchCommand(ReleaseLeases)
        .Add(Each(operations, o => o.Queue))
        .Add(Each(operations, o => o.Lease.Id.Sequence))
        .Add(Each(operations, o => o.Lease.Token));

    public static NpgsqlBatchCommand Restore(List<RestoreOperation> operations) => new NpgsqlBatchCommand(RestoreMessages)
        .Add(Each(operations, o => o.Queue))
        .Add(Each(operations, o => o.Id.Sequence))
        .Add(Each(operations, o => o.Id.Secret));

    private static NpgsqlBatchCommand WithMessages(string sql, List<EnqueueOperation> operations, long now) => new NpgsqlBatchCommand(sql)
        .Add(now)
        .Add(Each(operations, o => o.Queue))
        .Add(Each(operations, o => o.Message.Id.Sequence))
        .Add(Each(operations, o => o.Message.Id.Secret))
        .Add(Each(operations, o => o.Message.Priority))
        .Add(Each(operations, o => o.Due))
        .Add(Each(operations, o => o.FollowQueue))
        .AddTexts(Each(operations, o => o.Message.IdempotencyKey))
        .AddBytes(Each(operations, o => (byte[]?)o.Head))
        .AddBytes(Each(operations, o => o.Payload))
        .AddTexts(Each(operations, o => o.Message.Payload.Blob))
        .Add(Each(operations, o => o.Message.Payload.Length));

    private static TValue[] Each<TOperation, TValue>(List<TOperation> operations, Func<TOperation, TValue> value)
    {
        var values = new TValue[operations.Count];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = value(operations[i]);
        }

        return values;
    }
}
