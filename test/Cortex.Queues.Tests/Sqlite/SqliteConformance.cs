using Cortex.Queues.Sqlite;
using Cortex.Queues.Tests.Conformance;
using Microsoft.Extensions.Logging.Abstractions;

namespace Cortex.Queues.Tests.Sqlite;

/// <summary>The common facts on SQLite.</summary>
public sealed class SqliteConformance : QueueStoreConformance
{
    private readonly string _directory = Directory.CreateTempSubdirectory("cortex-queues-").FullName;

    protected override async Task<IQueueStore> OpenAsync(bool isNew) =>
        await SqliteQueueStore.OpenAsync(Path.Combine(_directory, "queues.db"), Options, Blobs, Time, NullLogger.Instance);

    protected override ValueTask CleanUpAsync()
    {
        Directory.Delete(_directory, recursive: true);
        return ValueTask.CompletedTask;
    }
}
