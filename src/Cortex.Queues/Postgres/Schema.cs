using Npgsql;

namespace Cortex.Queues.Postgres;

/// <summary>The tables, and how a database comes to have them. Times are microseconds since 1970.</summary>
internal static class Schema
{
    /// <summary>Raised with every change of the tables; older formats are brought up to it, newer ones are refused.</summary>
    public const int Format = 2;

    // Several processes may start at once. The number is arbitrary, but the same in each.
    private const long MigrationLock = 0x436F72746578;

    /*
     * messages   all that is not final; narrow, because whatever walks the line reads it. A message stays as it is while it is leased.
     * payloads   beside it: heads and payloads of messages, and of final ones that were not completed.
     * leases     who has which message. Not logged: after a crash of the database server the holders say again what they hold.
     * results    what is final.
     * keys       idempotency keys, for the queue's retention: never longer than their message.
     * owners     the processes; each holds a lock for its life.
     *
     * place is seq again: what is ordered by it can't be read in the order of the primary key, over all other queues and states.
     * state of a message: 0 in line, 1 delayed. ended_token: the lease that ended its last attempt, which counts no more; -1 after it was put back: only the lease that stands counts. status of a result: as MessageStatus.
     */
    private const string Tables = """
        create table format (version int not null);
        create sequence id_blocks;
        create sequence owner_ids;
        create table queues (
            id int generated always as identity primary key,
            name text not null unique,
            retention bigint not null,
            retired bigint,
            checkpoint text);
        create table messages (
            seq bigint primary key,
            place bigint not null,
            secret bigint not null,
            enqueued bigint not null,
            due bigint not null,
            queue int not null,
            follow_queue int,
            failed int not null default 0,
            lost int not null default 0,
            ended_token bigint,
            state smallint not null,
            priority smallint not null,
            attempts bytea[]
        ) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_insert_scale_factor = 0.1);
        create index messages_line on messages (queue, state, priority desc, place);
        create index messages_due on messages (due) where state = 1;
        create table payloads (
            seq bigint primary key,
            length bigint not null,
            head bytea not null,
            body bytea,
            blob text
        ) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000);
        alter table payloads alter head set storage external, alter body set storage external;
        create unlogged table leases (
            seq bigint not null,
            token bigint not null,
            queue int not null,
            primary key (queue, seq)
        ) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
        create table results (
            seq bigint primary key,
            place bigint not null,
            secret bigint not null,
            enqueued bigint not null,
            finished bigint not null,
            follow_seq bigint,
            follow_secret bigint,
            length bigint not null,
            queue int not null,
            follow_queue int,
            failed int not null,
            lost int not null,
            status smallint not null,
            priority smallint not null,
            attempts bytea[],
            blob text,
            body bytea);
        alter table results alter body set storage external;
        create index results_list on results (queue, status, place);
        create index results_age on results (queue, finished);
        create table keys (
            queue int not null,
            key text not null,
            seq bigint not null,
            secret bigint not null,
            created bigint not null,
            primary key (queue, key));
        create index keys_age on keys (queue, created);
        create table owners (id int primary key);
        insert into format values (1);
        """;

    private const string SelectOwner = "select id, label from cluster";

    /*
     * cluster        whose the tables are; no row while nobody has said so.
     * format.steady  the latest time of any process; see StoreClock.
     * keys.digest    what tells another payload under the same key.
     */
    private const string FromFormat1 = """
        create table cluster (id text not null, label text not null);
        alter table format add column steady bigint not null default 0;
        alter table keys add column digest bytea;
        update format set version = 2;
        """;

    /// <summary>Makes the schema and its tables where they are missing, brings older ones up to date, and marks them as the cluster's.</summary>
    /// <returns>The latest time that any process noted, in microseconds.</returns>
    /// <exception cref="StoreUnavailableException">The tables are of a newer format.</exception>
    /// <exception cref="StoreOwnedException">They are another cluster's.</exception>
    public static async Task<long> MigrateAsync(NpgsqlConnection connection, Database database, ClusterIdentity? cluster, CancellationToken cancellationToken)
    {
        var schema = database.Schema;
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await BeginMigrationAsync(connection, database, cancellationToken);
        await using (var look = new NpgsqlCommand("select to_regclass('format') is not null", connection))
        {
            if (await look.ExecuteScalarAsync(cancellationToken) is not true)
            {
                await RunAsync(connection, Tables, cancellationToken);
            }
        }

        var version = await NumberAsync(connection, "select version from format", cancellationToken);
        if (version is null or > Format)
        {
            throw new StoreUnavailableException($"the queue tables in schema {schema} are of a newer format than {Format}; start the version of Cortex that wrote them");
        }

        if (version < Format)
        {
            await RunAsync(connection, FromFormat1, cancellationToken);
        }

        if (cluster is not null)
        {
            await ClaimAsync(connection, $"schema {schema} of PostgreSQL at {database.Name}", cluster, cancellationToken);
        }

        var steady = await NumberAsync(connection, "select steady from format", cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return steady ?? 0;
    }

    /// <summary>Makes the schema where it is missing. Until the end of the transaction no other process changes tables.</summary>
    public static async Task BeginMigrationAsync(NpgsqlConnection connection, Database database, CancellationToken cancellationToken)
    {
        await RunAsync(connection, $"select pg_advisory_xact_lock({MigrationLock})", cancellationToken);
        var quoted = database.Schema.Replace("\"", "\"\"", StringComparison.Ordinal);
        await RunAsync(connection, $"create schema if not exists \"{quoted}\"", cancellationToken);
    }

    /// <summary>The id of the cluster that the tables belong to, and its label; nulls when that was never said.</summary>
    public static async Task<(string? Id, string? Label)> OwnerAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(SelectOwner, connection);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        return await row.ReadAsync(cancellationToken) ? (row.GetString(0), row.GetString(1)) : (null, null);
    }

    private static async Task ClaimAsync(NpgsqlConnection connection, string store, ClusterIdentity cluster, CancellationToken cancellationToken)
    {
        var (owner, label) = await OwnerAsync(connection, cancellationToken);
        if (cluster.MustMark(store, owner, label))
        {
            await RunAsync(connection, "delete from cluster", cancellationToken);
            await using var insert = new NpgsqlCommand("insert into cluster (id, label) values ($1, $2)", connection).Add(cluster.Id).Add(cluster.Label);
            await insert.ExecuteNonQueryAsync(cancellationToken);
        }
    }

    private static async Task<long?> NumberAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync(cancellationToken) switch { int number => number, long number => number, _ => null };
    }

    private static async Task RunAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
