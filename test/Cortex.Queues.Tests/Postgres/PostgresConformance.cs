using Cortex.Queues.Postgres;
using Cortex.Queues.Tests.Conformance;
using Microsoft.Extensions.Logging.Abstractions;

[assembly: AssemblyFixture(typeof(PostgresServer))]

namespace Cortex.Queues.Tests.Postgres;

/// <summary>The common facts on PostgreSQL.</summary>
public sealed class PostgresConformance(PostgresServer server) : QueueStoreConformance
{
    private string? _connectionString;

    protected override async Task<IQueueStore> OpenAsync(bool isNew)
    {
        _connectionString ??= await server.NewSchemaAsync();
        return await PostgresQueueStore.OpenAsync(
            _connectionString, Options, new SessionTiming { FollowsDatabaseClock = false }, Blobs, Time, NullLogger.Instance);
    }

    protected override ValueTask CleanUpAsync() => ValueTask.CompletedTask;
}
