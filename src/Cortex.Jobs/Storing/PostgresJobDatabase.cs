using System.Data.Common;
using Cortex.Queues.Postgres;
using Microsoft.Extensions.Logging;

namespace Cortex.Jobs.Storing;

/// <summary>Jobs in PostgreSQL, which several processes may share: one that leads and writes, others that read.</summary>
internal sealed class PostgresJobDatabase : JobDatabase
{
    // How the tables came to be. Ids sort by their bytes: newer ones first.
    private static readonly string[] _migrations =
    [
        """
        create table jobs (
            id text collate "C" primary key, api text not null, kind text not null, api_id text not null, ended bigint, record text not null, revision bigint not null, scheduled bigint);
        create index jobs_by_version on jobs (api_id);
        create index jobs_unfinished on jobs (kind, api) where ended is null;
        create index jobs_ended on jobs (api, kind, id) where ended is not null;
        create index jobs_by_age on jobs (kind, ended) where ended is not null;
        create index jobs_by_run on jobs (api, kind, scheduled) where scheduled is not null;
        create table configs (id text primary key, config bytea not null);
        create table specs (api_id text primary key, spec text not null);
        create table schedules (api text primary key, state text not null);
        """,
    ];

    private readonly StateDatabase _database;
    private readonly GroupCommit _writer;

    private PostgresJobDatabase(StateDatabase database, TimeProvider time, ILogger logger)
    {
        _database = database;
        _writer = new GroupCommit(CommitAsync, time, logger);
    }

    /// <inheritdoc cref="StateDatabase.OpenAsync"/>
    public static async Task<PostgresJobDatabase> OpenAsync(string connectionString, JobStoreOptions options, TimeProvider time, ILogger logger, CancellationToken cancellationToken) =>
        new(await StateDatabase.OpenAsync(connectionString, options.Cluster, "jobs", _migrations, time, logger, cancellationToken), time, logger);

    /// <inheritdoc/>
    public override string FromList => "unnest($1::text[]) l(value)";

    /// <inheritdoc/>
    public override object List(IReadOnlyCollection<string> texts) => texts.ToArray();

    /// <inheritdoc/>
    public override Task<T> ReadAsync<T>(Func<DbConnection, CancellationToken, Task<T>> read, CancellationToken cancellationToken) => _database.ReadAsync<T>(read, cancellationToken);

    /// <inheritdoc/>
    public override Task<T> WriteAsync<T>(Func<DbConnection, Task<T>> write, CancellationToken cancellationToken) => _writer.WriteAsync(write, cancellationToken);

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        await _writer.DisposeAsync();
        await _database.DisposeAsync();
    }

    private async Task CommitAsync(Func<DbConnection, Task> write) => await _database.WriteAsync(
        Epoch,
        isDurable: true,
        async (connection, _) =>
        {
            await write(connection);
            return connection;
        },
        CancellationToken.None);
}
