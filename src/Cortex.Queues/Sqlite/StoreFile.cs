using Cortex.Queues.Sqlite.Live;
using Cortex.Queues.Sqlite.Native;

namespace Cortex.Queues.Sqlite;

/// <summary>Opening the file: exclusively, and with what has to be in memory.</summary>
internal static class StoreFile
{
    /// <summary>Reads what is not final. Tests check that an index alone answers it.</summary>
    internal const string SelectLive = "SELECT queue, priority, sequence FROM messages INDEXED BY messages_live WHERE status = 0";

    private const int TokenBits = 40;

    /// <summary>Takes the file for this process, until what is returned is disposed.</summary>
    /// <exception cref="StoreUnavailableException">Another process has it.</exception>
    public static FileStream Lock(string path)
    {
        try
        {
            return new FileStream(path + "-lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException exception) when (exception is not (FileNotFoundException or DirectoryNotFoundException or PathTooLongException))
        {
            throw new StoreUnavailableException($"{path} is in use by another process; stop that one first, or start with another data directory", exception);
        }
    }

    /// <summary>Opens the connection that writes, making the file if there is none.</summary>
    /// <exception cref="InvalidDataException">The file is damaged, none of queues, or a newer version's.</exception>
    /// <exception cref="StoreOwnedException">It is another cluster's.</exception>
    public static Database Open(string path, ClusterIdentity? cluster)
    {
        Database? database = null;
        try
        {
            database = new Database(path, readOnly: false);
            Schema.OpenWriter(database, path, cluster);
            return database;
        }
        catch (SqliteError error)
        {
            database?.Dispose();
            throw Explain(path, error);
        }
        catch (Exception exception) when (exception is InvalidDataException or StoreOwnedException)
        {
            database?.Dispose();
            throw;
        }
    }

    /// <summary>Says how to mend what SQLite found.</summary>
    public static Exception Explain(string path, SqliteError error) => error.IsCorrupt
        ? new InvalidDataException($"the queues in {path} can't be read ({error.Message}); restore the file, mend it with `sqlite3 {path} .recover`, or move it away to begin with empty queues", error)
        : error.IsFull
            ? new StoreFullException($"There is no room to open {path}: make room on the disk.", error)
            : new StoreUnavailableException($"Can't open {path}: {error.Message}", error);

    /// <summary>The time of <see cref="SteadyClock"/> that was noted last.</summary>
    public static long LastNoted(Database database) => database.Number("SELECT steady FROM meta")!.Value;

    /// <summary>Begins a new epoch. Tokens of leases and sequence numbers of ids rise over all epochs.</summary>
    public static (long FirstToken, long NextSequence) BeginEpoch(Database database, long now)
    {
        database.Execute($"UPDATE meta SET epoch = epoch + 1, steady = {now}");
        return (database.Number("SELECT epoch FROM meta")!.Value << TokenBits, database.Number("SELECT next_sequence FROM meta")!.Value);
    }

    /// <summary>Reads the queues, and from indexes alone which messages are not final.</summary>
    public static void Load(Database database, QueueDirectory queues, LiveMessages live, ExpiredRemover expired, int fairnessInterval, long now)
    {
        using (var rows = database.Query("SELECT number, name, retention, retired_at, deleted FROM queues"))
        {
            while (rows.Step())
            {
                if (rows.Int(4) != 0)
                {
                    expired.Empty(rows.Int(0));
                    continue;
                }

                queues.Add(new QueueState(rows.Int(0), rows.Text(1)!, fairnessInterval) { Retention = rows.Long(2), RetiredAt = rows.NullableLong(3) });
            }
        }

        using (var rows = database.Query($"SELECT not_before, queue, priority, sequence FROM messages INDEXED BY messages_delayed WHERE not_before > {now}"))
        {
            while (rows.Step())
            {
                if (queues.Find(rows.Int(1)) is { } queue)
                {
                    live.AddDelayed(queue, rows.Long(3), rows.Int(2), live.Now + ((rows.Long(0) - now) * TimeSpan.TicksPerMillisecond));
                }
            }
        }

        using (var rows = database.Query(SelectLive))
        {
            QueueState? queue = null;
            while (rows.Step())
            {
                var number = rows.Int(0);
                if (queue?.Number != number)
                {
                    queue = queues.Find(number);
                }

                if (queue is not null && !live.IsDelayed(rows.Long(2)))
                {
                    live.Add(queue, rows.Long(2), rows.Int(1));
                }
            }
        }
    }
}
