using Cortex.Queues.Sqlite.Native;

namespace Cortex.Queues.Sqlite;

/// <summary>Tables of the file, and the settings of its connections.</summary>
internal static class Schema
{
    /// <summary>Bits of a sequence number in a result's key; the queue's number stands above. 17 million million messages.</summary>
    public const int SequenceBits = 44;

    /// <summary>The greatest number of a queue; numbers of deleted queues are given again.</summary>
    public const int MaxQueue = (1 << (63 - SequenceBits)) - 1;

    private const int Version = 2;

    // "CQue": tells our file from other databases.
    private const int ApplicationId = 0x43517565;

    // - A message's key is its sequence number: rows are added at the end of the tree, and found by id without an index.
    // - Columns that are often read stand before head and payload, which may fill further pages.
    // - messages_live is all that a restart reads; it must not hold what is final. Status is in it so that SQLite sees that it covers. Every index is empty for states or
    //   columns that a message does not have, so that a plain message pays for messages_live alone.
    // - A result's key holds queue and sequence number: a queue's results stand together, newest last.
    private const string Tables = """
        CREATE TABLE meta(
            id INTEGER PRIMARY KEY CHECK (id = 1),
            epoch INTEGER NOT NULL,
            next_sequence INTEGER NOT NULL);
        INSERT INTO meta VALUES(1, 0, 1);

        CREATE TABLE queues(
            number INTEGER PRIMARY KEY,
            name TEXT NOT NULL,
            retention INTEGER NOT NULL,
            retired_at INTEGER,
            deleted INTEGER NOT NULL,
            checkpoint TEXT);

        CREATE TABLE messages(
            sequence INTEGER PRIMARY KEY,
            queue INTEGER NOT NULL,
            priority INTEGER NOT NULL,
            status INTEGER NOT NULL,
            secret INTEGER NOT NULL,
            enqueued_at INTEGER NOT NULL,
            not_before INTEGER,
            finished_at INTEGER,
            failed INTEGER NOT NULL,
            lost INTEGER NOT NULL,
            ended_token INTEGER NOT NULL,
            follow_up_queue TEXT,
            follow_up_sequence INTEGER,
            follow_up_secret INTEGER,
            payload_blob TEXT,
            payload_length INTEGER NOT NULL,
            head BLOB,
            payload BLOB);
        CREATE INDEX messages_live ON messages(queue, priority, status) WHERE status = 0;
        CREATE INDEX messages_delayed ON messages(not_before, queue, priority) WHERE not_before IS NOT NULL;
        CREATE INDEX messages_final ON messages(queue, status) WHERE status <> 0;
        CREATE INDEX messages_expiry ON messages(queue, finished_at) WHERE status <> 0;

        CREATE TABLE results(
            key INTEGER PRIMARY KEY,
            queue INTEGER NOT NULL,
            priority INTEGER NOT NULL,
            secret INTEGER NOT NULL,
            enqueued_at INTEGER NOT NULL,
            finished_at INTEGER NOT NULL,
            failed INTEGER NOT NULL,
            lost INTEGER NOT NULL,
            follow_up_sequence INTEGER,
            follow_up_secret INTEGER,
            result_blob TEXT,
            result_length INTEGER NOT NULL,
            result BLOB);
        CREATE INDEX results_expiry ON results(queue, finished_at);

        CREATE TABLE attempts(sequence INTEGER PRIMARY KEY, data BLOB NOT NULL);

        CREATE TABLE idempotency(
            queue INTEGER NOT NULL,
            key TEXT NOT NULL,
            sequence INTEGER NOT NULL,
            secret INTEGER NOT NULL,
            enqueued_at INTEGER NOT NULL,
            PRIMARY KEY(queue, key)) WITHOUT ROWID;
        CREATE INDEX idempotency_expiry ON idempotency(queue, enqueued_at);
        """;

    // Whose the file is; what the worker last answered to a message that was given up; what a key's payload was; the latest time that was noted.
    private const string FromVersion1 = """
        CREATE TABLE cluster(id TEXT NOT NULL, label TEXT NOT NULL);
        CREATE TABLE answers(sequence INTEGER PRIMARY KEY, blob TEXT, length INTEGER NOT NULL, data BLOB);
        ALTER TABLE idempotency ADD COLUMN digest BLOB;
        ALTER TABLE meta ADD COLUMN steady INTEGER NOT NULL DEFAULT 0;
        """;

    /// <summary>Key of a message's result.</summary>
    public static long ResultKey(int queue, long sequence) => ((long)queue << SequenceBits) | sequence;

    /// <summary>Sequence number of a result's key.</summary>
    public static long SequenceOf(long key) => key & ((1L << SequenceBits) - 1);

    /// <summary>Sets up the one connection that writes, makes the tables in a new file and brings those of an older version up to date.</summary>
    /// <exception cref="InvalidDataException">The file is none of queues, or a newer version's.</exception>
    /// <exception cref="StoreOwnedException">It is another cluster's.</exception>
    public static void OpenWriter(Database database, string path, ClusterIdentity? cluster)
    {
        // Checkpoints are small and frequent, and done by this connection alone: with a second one that checkpoints, SQLite
        // before 3.51.3 can lose committed data. The page size counts only before the first table.
        database.Execute("""
            PRAGMA page_size = 8192;
            PRAGMA journal_mode = WAL;
            PRAGMA synchronous = FULL;
            PRAGMA wal_autocheckpoint = 512;
            PRAGMA journal_size_limit = 67108864;
            PRAGMA cache_size = -16384;
            PRAGMA temp_store = MEMORY;
            """);
        var id = database.Number("PRAGMA application_id");
        var version = database.Number("PRAGMA user_version");
        if (id == 0 && version == 0 && database.Number("SELECT count(*) FROM sqlite_schema") == 0)
        {
            Migrate(database, $"{Tables} {FromVersion1} PRAGMA application_id = {ApplicationId};");
        }
        else if (id != ApplicationId)
        {
            throw new InvalidDataException($"{path} is a database, but not one of queues; move it away, or start with another data directory");
        }
        else if (version > Version)
        {
            throw new InvalidDataException($"{path} was written by a newer version of Cortex (schema {version}, this one knows {Version}); use that version, or start with another data directory");
        }
        else if (version < Version)
        {
            Migrate(database, FromVersion1);
        }

        if (cluster is not null)
        {
            Claim(database, path, cluster);
        }
    }

    // In one transaction: a kill in the midst of it leaves the old tables.
    private static void Migrate(Database database, string sql) => database.Execute($"BEGIN IMMEDIATE; {sql} PRAGMA user_version = {Version}; COMMIT;");

    private static void Claim(Database database, string path, ClusterIdentity cluster)
    {
        string? owner = null;
        string? label = null;
        using (var row = database.Query("SELECT id, label FROM cluster"))
        {
            if (row.Step())
            {
                (owner, label) = (row.Text(0), row.Text(1));
            }
        }

        if (cluster.MustMark(path, owner, label))
        {
            database.Execute("BEGIN IMMEDIATE; DELETE FROM cluster;");
            using (var insert = database.Query("INSERT INTO cluster(id, label) VALUES(?1, ?2)"))
            {
                insert.Bind(1, cluster.Id).Bind(2, cluster.Label).Run();
            }

            database.Execute("COMMIT");
        }
    }

    /// <summary>Sets up a connection that reads. It never checkpoints.</summary>
    public static void OpenReader(Database database) =>
        database.Execute("PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -4096; PRAGMA temp_store = MEMORY; PRAGMA query_only = ON;");
}
