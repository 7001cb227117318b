using Cortex.Background;
using Cortex.Queues.Postgres.Reading;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Cortex.Queues.Postgres;

/// <summary>
/// Tables of the cluster's state in PostgreSQL (15 or newer), for one of the stores that keep it: whose they are, in which epoch they may be
/// written, and whether a write was stored whose answer was lost.
/// </summary>
/// <remarks>
/// Several stores and processes may share one database. The tables are in the schema <c>cortex</c>, or in the first one of the connection string's
/// <c>Search Path</c>; they are made when they are missing.
/// </remarks>
public sealed class StateDatabase : IAsyncDisposable
{
    /// <summary>Connections of each of both kinds: the state is written by one at a time.</summary>
    private const int MaxConnections = 6;

    /// <summary>Tries of what failed with its connection: those in the pool may all be of a server that was started anew.</summary>
    private const int MaxTries = 3;

    /// <summary>Nothing is tried again after this time.</summary>
    private static readonly TimeSpan MaxTrying = TimeSpan.FromSeconds(10);

    /// <summary>How long to ask whether a write was stored: longer than a server takes to start, or to notice that a session is dead.</summary>
    private static readonly TimeSpan MaxAsking = TimeSpan.FromSeconds(40);

    private static readonly Backoff Asking = new(TimeSpan.FromMilliseconds(20), TimeSpan.FromSeconds(1));

    /*
     * state         whose the tables are, and the epoch; one row.
     * state_parts   the format of each store's tables.
     * state_writes  the latest writes, so that one whose answer was lost is found.
     */
    private const string Tables = """
        create table if not exists state (id int primary key check (id = 1), cluster text, label text, epoch bigint not null);
        insert into state (id, epoch) values (1, 1) on conflict do nothing;
        create table if not exists state_parts (part text primary key, format int not null);
        create table if not exists state_writes (id uuid primary key, at timestamptz not null default now());
        create index if not exists state_writes_age on state_writes (at);
        """;

    private readonly Database _database;
    private readonly BackgroundWork _background;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;

    private StateDatabase(Database database, TimeProvider time, ILogger logger)
    {
        _database = database;
        _time = time;
        _logger = logger;
        _background = new BackgroundWork(logger, time);
    }

    /// <summary>Where it is, for messages.</summary>
    public string Name => $"schema {_database.Schema} of PostgreSQL at {_database.Name}";

    /// <summary>Connects, makes or brings up to date the tables of one store, and marks them as the cluster's.</summary>
    /// <param name="connectionString">As Npgsql takes it: <c>Host=...;Username=...;Password=...;Database=...</c>. No transaction pooler may stand before the server.</param>
    /// <param name="cluster">Whose they are; null leaves that open and refuses nobody.</param>
    /// <param name="part">The store's name.</param>
    /// <param name="migrations">The statements that lead from each format of its tables to the next, the first one from none.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Gets what an administrator has to know.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="ArgumentException">The connection string can't be read.</exception>
    /// <exception cref="InvalidDataException">The tables are of a newer format.</exception>
    /// <exception cref="StoreOwnedException">They are another cluster's.</exception>
    /// <exception cref="StoreUnavailableException">The server can't be reached, or refuses the user.</exception>
    /// <exception cref="StoreFullException">There is no room.</exception>
    public static async Task<StateDatabase> OpenAsync(
        string connectionString, ClusterIdentity? cluster, string part, IReadOnlyList<string> migrations, TimeProvider time, ILogger logger, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(migrations);
        var state = new StateDatabase(new Database(connectionString, "cortex " + part, MaxConnections), time, logger);
        try
        {
            await state.ReadAsync(
                async (connection, token) =>
                {
                    await state.MigrateAsync(connection, cluster, part, migrations, token);
                    return true;
                }, cancellationToken);
            return state;
        }
        catch
        {
            await state.DisposeAsync();
            throw;
        }
    }

    /// <summary>Begins a new epoch: from now on, writes that name an earlier one are refused.</summary>
    /// <returns>The new epoch; 2 or more.</returns>
    public Task<long> AdvanceEpochAsync(CancellationToken cancellationToken) =>
        ReadAsync((connection, token) => NumberAsync(connection, "update state set epoch = epoch + 1 returning epoch", token), cancellationToken);

    /// <summary>Reads, or does what may be done twice.</summary>
    /// <param name="read">Reads; called again when the connection broke.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="StoreUnavailableException">The database can't be reached or answers with an error.</exception>
    /// <exception cref="StoreFullException">There is no room.</exception>
    public async Task<T> ReadAsync<T>(Func<NpgsqlConnection, CancellationToken, Task<T>> read, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(read);
        var began = _time.GetTimestamp();
        for (var tries = 1; ; tries++)
        {
            try
            {
                await using var connection = await _database.OpenAsync(cancellationToken);
                return await read(connection, cancellationToken);
            }
            catch (Exception e) when (Database.IsDatabaseError(e))
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (!IsWorthAnotherTry(e, tries, began))
                {
                    throw _database.Translate(e);
                }
            }
        }
    }

    /// <summary>Writes in one transaction, if no later epoch than the one named has begun.</summary>
    /// <param name="epoch">The epoch that the writer leads in.</param>
    /// <param name="isDurable">Whether to wait for the disk; without, a crash of the server may take the write back.</param>
    /// <param name="write">Writes; null rolls back. Called again when nothing of it was stored.</param>
    /// <param name="cancellationToken">Stops waiting; what is being committed at that moment may be stored all the same.</param>
    /// <returns>What <paramref name="write"/> returned.</returns>
    /// <exception cref="StaleEpochException">A later epoch has begun; nothing was stored.</exception>
    /// <exception cref="StoreUnavailableException">The database can't be reached or answers with an error. The message says so when it is unknown whether the write was stored.</exception>
    /// <exception cref="StoreFullException">There is no room; nothing was stored.</exception>
    /// <exception cref="ArgumentException">A value can't be stored, such as a key that is there already; nothing was stored.</exception>
    public async Task<T?> WriteAsync<T>(long epoch, bool isDurable, Func<NpgsqlConnection, CancellationToken, Task<T?>> write, CancellationToken cancellationToken)
        where T : class
    {
        ArgumentNullException.ThrowIfNull(write);
        var began = _time.GetTimestamp();
        for (var tries = 1; ; tries++)
        {
            var id = Guid.NewGuid();
            var isCommitting = false;
            T? written = null;
            Exception error;
            try
            {
                await using var connection = await (isDurable ? _database.OpenAsync(cancellationToken) : _database.OpenRelaxedAsync(cancellationToken));
                await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
                await BeginAsync(connection, epoch, id, cancellationToken);
                written = await write(connection, cancellationToken);
                if (written is not null)
                {
                    isCommitting = true;
                    await transaction.CommitAsync(CancellationToken.None);
                }

                return written;
            }
            catch (Exception e) when (Database.IsDatabaseError(e))
            {
                error = e;
            }

            if (isCommitting && await WasStoredAsync(id, cancellationToken))
            {
                return written;
            }

            cancellationToken.ThrowIfCancellationRequested();
            if (Database.IsBadValue(error))
            {
                throw new ArgumentException($"PostgreSQL refuses a value: {error.Message}", error);
            }

            if (!IsWorthAnotherTry(error, tries, began))
            {
                throw _database.Translate(error);
            }
        }
    }

    /// <summary>Looks at once, when a notice on the channel says that something was written, and every few seconds in case one was lost; until this is disposed.</summary>
    /// <param name="channel">The channel's name, which is one for each schema.</param>
    /// <param name="look">Looks; what it throws is logged, and it is tried again.</param>
    public void Watch(string channel, Func<NpgsqlConnection, CancellationToken, Task> look)
    {
        var listener = new ChangeListener(_database, ChannelOf(channel), look, _time, _logger);
        _background.StartLoop("the feed of changes in PostgreSQL", listener.RunAsync);
    }

    /// <summary>The statement that sends a notice on a channel, once its transaction is committed.</summary>
    public NpgsqlBatchCommand Notify(string channel) => new NpgsqlBatchCommand("select pg_notify($1, '')").Add(ChannelOf(channel));

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _background.DisposeAsync();
        await _database.DisposeAsync();
    }

    private string ChannelOf(string channel) => $"cortex_{channel}_{_database.Schema}";

    private bool IsWorthAnotherTry(Exception error, int tries, long began) =>
        error is NpgsqlException { IsTransient: true } && tries < MaxTries && _time.GetElapsedTime(began) < MaxTrying;

    // Shared: a new epoch waits for the writes of the old one that have begun, and those that begin later wait for it.
    private async Task BeginAsync(NpgsqlConnection connection, long epoch, Guid id, CancellationToken cancellationToken)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.BatchCommands.Add(new NpgsqlBatchCommand("select epoch from state for share"));
        batch.BatchCommands.Add(new NpgsqlBatchCommand("insert into state_writes (id) values ($1)").Add(id));
        batch.BatchCommands.Add(new NpgsqlBatchCommand("delete from state_writes where at < now() - interval '10 minutes'"));
        var newest = (long)(await batch.ExecuteScalarAsync(cancellationToken))!;
        if (newest > epoch)
        {
            throw new StaleEpochException(Name, epoch, newest);
        }
    }

    // An insertion of the same key waits for the transaction that made it first: what is found is how that one ended, or it never can be committed.
    private async Task<bool> WasStoredAsync(Guid id, CancellationToken cancellationToken)
    {
        var began = _time.GetTimestamp();
        for (var pause = TimeSpan.Zero; ; pause = Asking.Next(pause))
        {
            await Task.Delay(pause, _time, cancellationToken);
            try
            {
                await using var connection = await _database.OpenAsync(cancellationToken);
                await using var command = new NpgsqlCommand("insert into state_writes (id) values ($1) on conflict do nothing", connection).Add(id);
                return await command.ExecuteNonQueryAsync(cancellationToken) == 0;
            }
            catch (Exception e) when (Database.IsDatabaseError(e))
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (_time.GetElapsedTime(began) > MaxAsking)
                {
                    throw new StoreUnavailableException($"{Name} was lost during a commit, and can't be asked whether the change was stored; look before you try again: {e.Message}", e);
                }
            }
        }
    }

    private async Task MigrateAsync(NpgsqlConnection connection, ClusterIdentity? cluster, string part, IReadOnlyList<string> migrations, CancellationToken cancellationToken)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await Schema.BeginMigrationAsync(connection, _database, cancellationToken);
        await RunAsync(connection, Tables, cancellationToken);
        await ClaimAsync(connection, cluster, cancellationToken);
        await using (var command = new NpgsqlCommand("insert into state_parts (part, format) values ($1, 0) on conflict do nothing", connection).Add(part))
        {
            await command.ExecuteNonQueryAsync(cancellationToken);
        }

        int format;
        await using (var command = new NpgsqlCommand("select format from state_parts where part = $1", connection).Add(part))
        {
            format = (int)(await command.ExecuteScalarAsync(cancellationToken))!;
        }

        if (format > migrations.Count)
        {
            throw new InvalidDataException($"the {part} in {Name} were written by a newer version of Cortex (format {format}, this one knows {migrations.Count}); use that version, or another database");
        }

        foreach (var migration in migrations.Skip(format))
        {
            await RunAsync(connection, migration, cancellationToken);
        }

        await using (var command = new NpgsqlCommand("update state_parts set format = $2 where part = $1", connection).Add(part).Add(migrations.Count))
        {
            await command.ExecuteNonQueryAsync(cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
    }

    private async Task ClaimAsync(NpgsqlConnection connection, ClusterIdentity? cluster, CancellationToken cancellationToken)
    {
        string? owner;
        string? label;
        await using (var command = new NpgsqlCommand("select cluster, label from state", connection))
        await using (var row = await command.ExecuteReaderAsync(cancellationToken))
        {
            await row.ReadAsync(cancellationToken);
            (owner, label) = (row.ReadNullableText(0), row.ReadNullableText(1));
        }

        if (cluster?.MustMark(Name, owner, label) == true)
        {
            await using var mark = new NpgsqlCommand("update state set cluster = $1, label = $2", connection).Add(cluster.Id).Add(cluster.Label);
            await mark.ExecuteNonQueryAsync(cancellationToken);
        }
    }

    private static async Task<long> NumberAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
#pragma warning disable CA2100 // Every text is in the source.
        await using var command = new NpgsqlCommand(sql, connection);
#pragma warning restore CA2100
        return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    private static async Task RunAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
#pragma warning disable CA2100 // Every text is in the source.
        await using var command = new NpgsqlCommand(sql, connection);
#pragma warning restore CA2100
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
