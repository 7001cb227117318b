using System.Globalization;
using Microsoft.Data.Sqlite;

namespace Cortex.Queues.Sqlite;

/// <summary>A small database file with a connection that writes and another that reads beside it. Commits are synced.</summary>
/// <remarks>Each connection is for one caller at a time. The store of queues, where every microsecond counts, opens its file itself.</remarks>
public sealed class SqliteFile : IDisposable
{
    private const string Settings = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=5000;";

    /// <summary>The migration by which a file comes to say whose it is and which epoch it is in; for <see cref="Claim"/> and what follows it.</summary>
    public const string StateTables = """
        CREATE TABLE cluster(id TEXT NOT NULL, label TEXT NOT NULL);
        CREATE TABLE epoch(number INTEGER NOT NULL);
        INSERT INTO epoch VALUES(1);
        """;

    private readonly string _path;
    private readonly string _content;
    private readonly string _loss;

    /// <summary>Opens the file, creating it when it is missing, and brings its tables up to date.</summary>
    /// <param name="path">The file; its folder exists.</param>
    /// <param name="content">What is in it, in words: <c>the jobs</c>.</param>
    /// <param name="loss">What is without it: <c>begin without jobs</c>.</param>
    /// <param name="migrations">The statements that lead from each version of the tables to the next, the first one from an empty file.</param>
    /// <exception cref="InvalidDataException">The file was written by a newer version, or is no readable database.</exception>
    public SqliteFile(string path, string content, string loss, IReadOnlyList<string> migrations)
    {
        ArgumentNullException.ThrowIfNull(migrations);
        (_path, _content, _loss) = (path, content, loss);
        var file = new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString();
        Writer = new SqliteConnection(file);
        Reader = new SqliteConnection(file);
        Load(() =>
        {
            Writer.Open();
            Execute(Settings);
            Migrate(migrations);
            Reader.Open();
            using var readOnly = Command(Reader, "PRAGMA query_only=1; PRAGMA busy_timeout=5000;");
            return readOnly.ExecuteNonQuery();
        });
    }

    /// <summary>The connection that writes.</summary>
    public SqliteConnection Writer { get; }

    /// <summary>The connection that reads.</summary>
    public SqliteConnection Reader { get; }

    /// <summary>Reads what its owner can't begin without. On an error the file is closed.</summary>
    /// <exception cref="InvalidDataException">It can't be read.</exception>
    public T Load<T>(Func<T> load)
    {
        ArgumentNullException.ThrowIfNull(load);
        try
        {
            return load();
        }
        catch (SqliteException exception)
        {
            Dispose();
            throw new InvalidDataException($"{_content} in {_path} can't be read ({exception.Message}); mend or restore the file, or move it away to {_loss}", exception);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Marks the file as the cluster's. On an error the file is closed.</summary>
    /// <param name="cluster">Whose it is; null leaves that open and refuses nobody.</param>
    /// <exception cref="StoreOwnedException">It is another cluster's.</exception>
    public void Claim(ClusterIdentity? cluster) => Load(() =>
    {
        using var transaction = Writer.BeginTransaction();
        string? owner = null;
        string? label = null;
        using (var command = Command(Writer, "SELECT id, label FROM cluster"))
        using (var row = command.ExecuteReader())
        {
            if (row.Read())
            {
                (owner, label) = (row.GetString(0), row.GetString(1));
            }
        }

        if (cluster?.MustMark(_path, owner, label) == true)
        {
            Execute("DELETE FROM cluster");
            Execute("INSERT INTO cluster(id, label) VALUES($1, $2)", cluster.Id, cluster.Label);
        }

        transaction.Commit();
        return true;
    });

    /// <summary>Begins a new epoch: from now on, writes that name an earlier one are refused.</summary>
    /// <returns>The new epoch; 2 or more.</returns>
    public long AdvanceEpoch() => Number("UPDATE epoch SET number = number + 1 RETURNING number");

    /// <summary>Refuses a write that names an earlier epoch than the file's; a later one becomes the file's. Within the transaction that writes.</summary>
    /// <exception cref="StaleEpochException">A later epoch has begun.</exception>
    public void CheckEpoch(long epoch)
    {
        var newest = Number("SELECT number FROM epoch");
        if (newest > epoch)
        {
            throw new StaleEpochException(_path, epoch, newest);
        }

        if (newest < epoch)
        {
            Execute("UPDATE epoch SET number = $1", epoch);
        }
    }

    /// <summary>What a statement on the connection that writes gives: one number.</summary>
    public long Number(string sql)
    {
        using var command = Command(Writer, sql);
        return (long)command.ExecuteScalar()!;
    }

    /// <summary>Writes.</summary>
    /// <param name="sql">Statements; values travel as parameters.</param>
    /// <param name="parameters"><c>$1</c> and so on.</param>
    public void Execute(string sql, params ReadOnlySpan<object> parameters)
    {
        using var command = Command(Writer, sql, parameters);
        command.ExecuteNonQuery();
    }

    /// <summary>A command on one of the connections.</summary>
    /// <param name="connection"><see cref="Writer"/> or <see cref="Reader"/>.</param>
    /// <param name="sql">Statements; values travel as parameters.</param>
    /// <param name="parameters"><c>$1</c> and so on.</param>
    public static SqliteCommand Command(SqliteConnection connection, string sql, params ReadOnlySpan<object> parameters)
    {
        ArgumentNullException.ThrowIfNull(connection);
        var command = connection.CreateCommand();
#pragma warning disable CA2100 // Every text is in the source; values travel as parameters.
        command.CommandText = sql;
#pragma warning restore CA2100
        for (var i = 0; i < parameters.Length; i++)
        {
            command.Parameters.AddWithValue($"${i + 1}", parameters[i]);
        }

        return command;
    }

    /// <summary>Closes both connections. The writer is the last to close, and leaves no log behind.</summary>
    public void Dispose()
    {
        Reader.Dispose();
        Writer.Dispose();
    }

    // In one transaction: a kill in the midst of it leaves the old tables.
    private void Migrate(IReadOnlyList<string> migrations)
    {
        var found = Number("PRAGMA user_version");
        if (found > migrations.Count)
        {
            throw new InvalidDataException($"{_path} was written by a newer version of Cortex (schema {found}, this one knows {migrations.Count}); use that version, or start with another data directory");
        }

        if (found == migrations.Count)
        {
            return;
        }

        using var transaction = Writer.BeginTransaction();
        foreach (var migration in migrations.Skip((int)found))
        {
            Execute(migration);
        }

        Execute(string.Create(CultureInfo.InvariantCulture, $"PRAGMA user_version = {migrations.Count}"));
        transaction.Commit();
    }
}
