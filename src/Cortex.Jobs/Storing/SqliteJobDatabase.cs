using System.Data.Common;
using System.Text.Json;
using Cortex.Queues;
using Cortex.Queues.Sqlite;
using Microsoft.Extensions.Logging;

namespace Cortex.Jobs.Storing;

/// <summary>Jobs in a file. Readers have a connection of their own, so that they never wait for a commit. As a rule no other process has the file.</summary>
internal sealed class SqliteJobDatabase : JobDatabase
{
    // How the tables came to be.
    private static readonly string[] _migrations =
    [
        """
        CREATE TABLE jobs(id TEXT PRIMARY KEY, api TEXT NOT NULL, kind TEXT NOT NULL, api_id TEXT NOT NULL, ended INTEGER, record TEXT NOT NULL) WITHOUT ROWID;
        CREATE INDEX jobs_by_api ON jobs(api, kind, ended);
        CREATE INDEX jobs_by_version ON jobs(api_id);
        CREATE INDEX jobs_unfinished ON jobs(kind) WHERE ended IS NULL;
        CREATE TABLE configs(id TEXT PRIMARY KEY, config BLOB NOT NULL);
        CREATE TABLE specs(api_id TEXT PRIMARY KEY, spec TEXT NOT NULL);
        """,
        "CREATE TABLE schedules(api TEXT PRIMARY KEY, state TEXT NOT NULL) WITHOUT ROWID",
        $"""
        {SqliteFile.StateTables}
        ALTER TABLE jobs ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE jobs ADD COLUMN scheduled INTEGER;
        UPDATE jobs SET scheduled = unixepoch(json_extract(record, '$.scheduled_at')) WHERE json_extract(record, '$.scheduled_at') IS NOT NULL;
        DROP INDEX jobs_by_api;
        DROP INDEX jobs_unfinished;
        CREATE INDEX jobs_unfinished ON jobs(kind, api) WHERE ended IS NULL;
        CREATE INDEX jobs_ended ON jobs(api, kind, id) WHERE ended IS NOT NULL;
        CREATE INDEX jobs_by_age ON jobs(kind, ended) WHERE ended IS NOT NULL;
        CREATE INDEX jobs_by_run ON jobs(api, kind, scheduled) WHERE scheduled IS NOT NULL;
        """,
    ];

    private readonly SqliteFile _file;   // its writer is the group commit's
    private readonly SemaphoreSlim _reading = new(1);
    private readonly GroupCommit _writer;
    private int _disposed;

    /// <summary>Opens the file, creating it when it is missing.</summary>
    /// <exception cref="InvalidDataException">The file was written by a newer version, or is no readable database.</exception>
    /// <exception cref="StoreOwnedException">It is another cluster's.</exception>
    public SqliteJobDatabase(string path, ClusterIdentity? cluster, TimeProvider time, ILogger logger)
    {
        _file = new SqliteFile(path, "the jobs", "begin without jobs", _migrations);
        _file.Claim(cluster);
        _writer = new GroupCommit(CommitAsync, time, logger);
    }

    /// <inheritdoc/>
    public override string FromList => "json_each($1) l";

    /// <inheritdoc/>
    public override object List(IReadOnlyCollection<string> texts) => JsonSerializer.Serialize(texts, JobJsonContext.Default.IReadOnlyCollectionString);

    /// <inheritdoc/>
    public override async Task<T> ReadAsync<T>(Func<DbConnection, CancellationToken, Task<T>> read, CancellationToken cancellationToken)
    {
        await _reading.WaitAsync(cancellationToken);
        try
        {
            // Whoever calls does not wait for the disk with a thread of its own.
            return await Task.Run(() => read(_file.Reader, cancellationToken), CancellationToken.None);
        }
        finally
        {
            _reading.Release();
        }
    }

    /// <inheritdoc/>
    public override Task<T> WriteAsync<T>(Func<DbConnection, Task<T>> write, CancellationToken cancellationToken) => _writer.WriteAsync(write, cancellationToken);

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            await _writer.DisposeAsync();

            // Somebody may be reading at this moment.
            await _reading.WaitAsync();
            _file.Dispose();
            _reading.Dispose();
        }
    }

    private async Task CommitAsync(Func<DbConnection, Task> write)
    {
        await using var transaction = _file.Writer.BeginTransaction();
        _file.CheckEpoch(Epoch);
        await write(_file.Writer);
        await transaction.CommitAsync();
    }
}
