using Cortex.Core.Clusters;
using Cortex.Queues;
using Cortex.Queues.Blobs;
using Cortex.Queues.Sqlite;

namespace Cortex.Server;

/// <summary>The queue store and the blob store of a cluster, as its configuration wants them.</summary>
internal sealed class ServerStorage : IAsyncDisposable
{
    private readonly IBlobStore _blobs;

    private ServerStorage(IQueueStore store, IBlobStore blobs) => (Store, _blobs) = (store, blobs);

    /// <summary>The queues.</summary>
    public IQueueStore Store { get; }

    /// <summary>Opens both. Whatever can't be opened is an <see cref="IOException"/>, an <see cref="InvalidDataException"/> or an <see cref="InvalidClusterException"/> that says so.</summary>
    public static async Task<ServerStorage> OpenAsync(ClusterConfig config, DataDirectory data, ILoggerFactory loggers, TimeProvider time)
    {
        var blobs = Blobs(config, data, time);
        try
        {
            return new ServerStorage(await StoreAsync(config, data, blobs, loggers, time), blobs);
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

    private static IBlobStore Blobs(ClusterConfig config, DataDirectory data, TimeProvider time) => config.Storage.Blobs == BlobStorage.S3
        ? new S3BlobStore(RuntimeSettings.S3(config.Storage.S3), time)
        : new FolderBlobStore(data.BlobsPath);

    private static async Task<IQueueStore> StoreAsync(ClusterConfig config, DataDirectory data, IBlobStore blobs, ILoggerFactory loggers, TimeProvider time) =>
        config.Storage.Queues == QueueStorage.Postgres
            ? throw new InvalidClusterException("storage.queues in the cluster configuration is postgres, which this build can't open yet; use sqlite")
            : await SqliteQueueStore.OpenAsync(data.QueuesPath, RuntimeSettings.QueueStore(config), blobs, time, loggers.CreateLogger<SqliteQueueStore>());
}
