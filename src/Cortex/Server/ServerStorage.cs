using Cortex.Core.Clusters;
using Cortex.Queues;
using Cortex.Queues.Blobs;
using Cortex.Queues.Postgres;
using Cortex.Queues.Sqlite;
using Npgsql;

namespace Cortex.Server;

/// <summary>The queue store and the blob store of a cluster, as its configuration wants them, and where its state is.</summary>
internal sealed class ServerStorage : IAsyncDisposable
{
    private const string PostgresVariable = "CORTEX_POSTGRES";

    private readonly IBlobStore _blobs;

    private ServerStorage(ClusterIdentity cluster, string? state, IQueueStore store, IBlobStore blobs) => (Cluster, PostgresState, Store, _blobs) = (cluster, state, store, blobs);

    /// <summary>Whose it all is.</summary>
    public ClusterIdentity Cluster { get; }

    /// <summary>Connection string of the database of the state; null when that is in a file.</summary>
    public string? PostgresState { get; }

    /// <summary>The queues.</summary>
    public IQueueStore Store { get; }

    /// <summary>Opens both. Whatever can't be opened is an <see cref="IOException"/>, an <see cref="InvalidDataException"/> or an <see cref="InvalidClusterException"/> that says so.</summary>
    public static async Task<ServerStorage> OpenAsync(ClusterConfig config, DataDirectory data, ILoggerFactory loggers, TimeProvider time)
    {
        var cluster = new ClusterIdentity(data.ReadClusterId(), $"{config.ClusterName} on {Environment.MachineName}", config.Storage.Adopt);
        var state = config.Storage.State == RowStorage.Postgres ? Connection(config, "state") : null;
        var blobs = Blobs(config, data, cluster, time);
        try
        {
            await ClaimAsync(blobs);
            return new ServerStorage(cluster, state, await StoreAsync(config, data, cluster, blobs, loggers, time), blobs);
        }
        catch
        {
            await blobs.DisposeAsync();
            throw;
        }
    }

    /// <summary>Writes the store's metrics in the Prometheus text format.</summary>
    public void WriteMetrics(TextWriter writer)
    {
        if (Store is SqliteQueueStore sqlite)
        {
            StoreMetricsText.Write(writer, sqlite.Metrics);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Store.DisposeAsync();
        await _blobs.DisposeAsync();
    }

    // A bucket that can't be reached now is asked before the first blob is written; the server does without it until then.
    private static async Task ClaimAsync(IBlobStore blobs)
    {
        try
        {
            await blobs.ClaimAsync(CancellationToken.None);
        }
        catch (StoreUnavailableException) when (blobs is S3BlobStore)
        {
        }
    }

    private static IBlobStore Blobs(ClusterConfig config, DataDirectory data, ClusterIdentity cluster, TimeProvider time)
    {
        if (config.Storage.Blobs == BlobStorage.Folder)
        {
            return new FolderBlobStore(data.BlobsPath, new FolderBlobOptions { Cluster = cluster, DiskReserve = config.Queue.DiskReserve });
        }

        try
        {
            return new S3BlobStore(PartOptions.S3(config.Storage.S3, cluster, config.Queue.DiskReserve), time);
        }
        catch (Exception exception)
        {
            // The client has exceptions of its own for a region or credentials that are missing.
            throw new InvalidClusterException($"the bucket {config.Storage.S3.Bucket} can't be used: {exception.Message}; see storage.s3 in the cluster configuration");
        }
    }

    private static async Task<IQueueStore> StoreAsync(ClusterConfig config, DataDirectory data, ClusterIdentity cluster, IBlobStore blobs, ILoggerFactory loggers, TimeProvider time)
    {
        var options = PartOptions.QueueStore(config, cluster);
        return config.Storage.Queues == RowStorage.Sqlite
            ? await SqliteQueueStore.OpenAsync(data.QueuesPath, options, blobs, time, loggers.CreateLogger<SqliteQueueStore>())
            : await PostgresQueueStore.OpenAsync(Connection(config, "queues"), options, blobs, time, loggers.CreateLogger<PostgresQueueStore>());
    }

    private static string Connection(ClusterConfig config, string setting)
    {
        var connection = config.Storage.PostgresConnectionString ?? Environment.GetEnvironmentVariable(PostgresVariable);
        if (string.IsNullOrEmpty(connection))
        {
            throw new InvalidClusterException($"storage.{setting} in the cluster configuration is postgres, but there is no connection string; set storage.postgres.connection_string, or the environment variable {PostgresVariable} where the cluster is started");
        }

        try
        {
            return new NpgsqlConnectionStringBuilder(connection).ConnectionString;
        }
        catch (ArgumentException exception)
        {
            throw new InvalidClusterException($"the connection string of PostgreSQL can't be read: {exception.Message.ReplaceLineEndings(" ")}; write it like Host=db;Database=cortex;Username=cortex;Password=...");
        }
    }
}
