using System.Net.Sockets;
using Npgsql;

namespace Cortex.Queues.Postgres;

/// <summary>Connections to the database, and what its errors mean.</summary>
internal sealed class Database : IAsyncDisposable
{
    private const string DefaultSchema = "cortex";
    private const int ConnectSeconds = 5;
    private const int CommandSeconds = 20;
    private const int KeepAliveSeconds = 10;

    /*
     * Plans must not depend on what statistics say at a moment: a plan that was made while a table was empty is kept while it
     * grows to a million rows. Without these every statement has one sensible plan, by index.
     */
    private const string PlanSettings =
        "-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off -c enable_bitmapscan=off -c enable_material=off -c jit=off "
        + "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3 -c lock_timeout=15s -c idle_in_transaction_session_timeout=30s";

    private readonly NpgsqlDataSource _durable;
    private readonly NpgsqlDataSource _relaxed;

    /// <summary>Connects when it is first asked for a connection.</summary>
    /// <param name="connectionString">As Npgsql takes it.</param>
    /// <param name="application">What the server's administrator sees of it.</param>
    /// <param name="maxConnections">Connections of each of both kinds; further callers wait for one.</param>
    /// <exception cref="ArgumentException">The connection string can't be read.</exception>
    public Database(string connectionString, string application, int maxConnections)
    {
        var settings = new NpgsqlConnectionStringBuilder(connectionString)
        {
            Timeout = ConnectSeconds,
            CommandTimeout = CommandSeconds,
            KeepAlive = KeepAliveSeconds,
            MaxPoolSize = maxConnections,
            MaxAutoPrepare = 64,
            AutoPrepareMinUsages = 1,
            NoResetOnClose = true,
            ApplicationName = application,
        };
        Schema = string.IsNullOrWhiteSpace(settings.SearchPath) ? DefaultSchema : settings.SearchPath.Split(',')[0].Trim();
        settings.SearchPath = Schema;
        Name = $"{settings.Host}:{settings.Port}/{settings.Database}";
        _durable = Build(settings, "-c synchronous_commit=on");
        _relaxed = Build(settings, "-c synchronous_commit=off");
    }

    /// <summary>The schema that the tables are in: the first of the connection string's Search Path, otherwise <c>cortex</c>.</summary>
    public string Schema { get; }

    /// <summary>Where the database is, for messages.</summary>
    public string Name { get; }

    /// <summary>A connection whose commits are durable when they return.</summary>
    public ValueTask<NpgsqlConnection> OpenAsync(CancellationToken cancellationToken) => _durable.OpenConnectionAsync(cancellationToken);

    /// <summary>A connection that does not wait for the disk: for reading, and for what may be lost in a crash, such as leases.</summary>
    public ValueTask<NpgsqlConnection> OpenRelaxedAsync(CancellationToken cancellationToken) => _relaxed.OpenConnectionAsync(cancellationToken);

    /// <summary>Whether the error comes from the database or the way to it.</summary>
    public static bool IsDatabaseError(Exception error) =>
        error is NpgsqlException or SocketException or TimeoutException or ObjectDisposedException or (IOException and not StoreFullException and not StoreUnavailableException and not StoreBusyException and not StoreOwnedException and not StaleEpochException)
        || (error is OperationCanceledException && error.InnerException is TimeoutException);

    /// <summary>Whether another try of the same statements may succeed at once: other transactions stood in the way.</summary>
    public static bool IsConflict(Exception error) => error is PostgresException { SqlState: PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.SerializationFailure };

    /// <summary>Whether one of the statements' values is at fault, rather than the database.</summary>
    public static bool IsBadValue(Exception error) => error is PostgresException { SqlState: var state } && (state.StartsWith("22", StringComparison.Ordinal) || state.StartsWith("23", StringComparison.Ordinal));

    /// <summary>The error in the words of the stores' contracts.</summary>
    public IOException Translate(Exception error) => error is PostgresException { SqlState: PostgresErrorCodes.DiskFull } full
        ? new StoreFullException($"the disk of PostgreSQL at {Name} is full: {full.MessageText}", error)
        : new StoreUnavailableException($"PostgreSQL at {Name} can't be used: {error.Message}", error);

    public async ValueTask DisposeAsync()
    {
        await _durable.DisposeAsync();
        await _relaxed.DisposeAsync();
    }

    private static NpgsqlDataSource Build(NpgsqlConnectionStringBuilder settings, string option)
    {
        var copy = new NpgsqlConnectionStringBuilder(settings.ConnectionString) { Options = $"{settings.Options} {PlanSettings} {option}".Trim() };
        var builder = new NpgsqlSlimDataSourceBuilder(copy.ConnectionString);
        builder.EnableArrays();
        builder.EnableTransportSecurity();
        return builder.Build();
    }
}
