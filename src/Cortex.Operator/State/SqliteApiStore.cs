using System.Collections.Immutable;
using Cortex.Core.Identifiers;
using Cortex.Core.Wire;
using Cortex.Operator.Splitting;
using Cortex.Queues;
using Cortex.Queues.Sqlite;

namespace Cortex.Operator.State;

/// <summary>The desired state in a file. The feed tells of this process's changes alone: as a rule no other one has the file.</summary>
/// <remarks>
/// One connection for changes, which are made one after the other: they are rare and small. Readers of the history have one of their own, so that
/// they never wait for a commit.
/// </remarks>
internal sealed class SqliteApiStore : IApiStore
{
    // How the tables came to be.
    private static readonly string[] _migrations =
    [
        """
        CREATE TABLE apis(name TEXT PRIMARY KEY, spec TEXT NOT NULL, replicas INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE versions(api TEXT NOT NULL, api_id TEXT NOT NULL, spec TEXT NOT NULL, PRIMARY KEY(api, api_id)) WITHOUT ROWID;
        CREATE TABLE settings(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
        """,
        "ALTER TABLE apis ADD COLUMN callback_key TEXT",
        "ALTER TABLE apis ADD COLUMN canary TEXT",
        $"""
        {SqliteFile.StateTables}
        CREATE TABLE revision(number INTEGER NOT NULL);
        INSERT INTO revision VALUES(1);
        ALTER TABLE apis ADD COLUMN revision INTEGER NOT NULL DEFAULT 1;
        CREATE INDEX versions_by_id ON versions(api_id);
        """,
    ];

    private readonly SqliteFile _file;
    private readonly SemaphoreSlim _writing = new(1);   // guards its writer and the epoch
    private readonly SemaphoreSlim _reading = new(1);   // and this its reader
    private readonly int _versionsKept;
    private readonly ApiFeed _feed = new();
    private long _epoch;
    private int _disposed;

    /// <summary>Opens the file, creating it when it is missing, and reads the desired state.</summary>
    /// <param name="path">The database file; its folder exists.</param>
    /// <param name="versionsKept">Versions kept in each API's history; 1 or more.</param>
    /// <param name="cluster">Whose it is; null leaves that open and refuses nobody.</param>
    /// <exception cref="InvalidDataException">The file was written by a newer version, or is no readable database.</exception>
    /// <exception cref="StoreOwnedException">It is another cluster's.</exception>
    public SqliteApiStore(string path, int versionsKept, ClusterIdentity? cluster)
    {
        _versionsKept = versionsKept;
        _file = new SqliteFile(path, "the state", "begin with no APIs", _migrations);
        _file.Claim(cluster);
        _feed.Publish(_file.Load(() => Load(ApiSnapshot.Unknown, _file.Number("SELECT number FROM revision"))));
    }

    /// <inheritdoc/>
    public ImmutableSortedDictionary<string, WantedApi> Apis => _feed.Now.Apis;

    /// <inheritdoc/>
    public IAsyncEnumerable<ImmutableSortedDictionary<string, WantedApi>> WatchAsync(CancellationToken cancellationToken) => _feed.WatchAsync(cancellationToken);

    /// <inheritdoc/>
    public Task<long> AdvanceEpochAsync(CancellationToken cancellationToken) => RunAsync(_writing, () => _epoch = _file.AdvanceEpoch(), cancellationToken);

    /// <inheritdoc/>
    public async Task<bool> DeployAsync(IReadOnlyCollection<WantedApi> apis, CancellationToken cancellationToken) =>
        apis.Count == 0 || (await WriteAsync(now => ApiChange.Deploy(now, apis), (api, revision) => Deploy(api.Next!, revision), cancellationToken)).Count > 0;

    /// <inheritdoc/>
    public async Task<IReadOnlyCollection<ReplicaChange>> ScaleAsync(IReadOnlyCollection<ReplicaChange> changes, CancellationToken cancellationToken)
    {
        var made = await RunAsync(
            _writing,
            () =>
            {
                // The log is synced all the same when it begins anew, once in several hundred commits.
                _file.Execute("PRAGMA synchronous=NORMAL");
                try
                {
                    return Write(
                        now => ApiChange.Scale(now, changes),
                        (api, revision) => _file.Execute("UPDATE apis SET replicas = $2, revision = $3 WHERE name = $1", api.Name, api.Next!.Replicas, revision));
                }
                finally
                {
                    _file.Execute("PRAGMA synchronous=FULL");
                }
            },
            cancellationToken);
        return [.. changes.Where(change => made.Any(each => each.Name == change.Seen.Name))];
    }

    /// <inheritdoc/>
    public async Task<bool> MoveCanaryAsync(WantedApi splitter, CanaryState next, CancellationToken cancellationToken) => (await WriteAsync(
        now => ApiChange.MoveCanary(now, splitter, next),
        (api, revision) => _file.Execute("UPDATE apis SET canary = $2, revision = $3 WHERE name = $1", api.Name, next.ToText(), revision),
        cancellationToken)).Count > 0;

    /// <inheritdoc/>
    public async Task<bool> DeleteAsync(WantedApi api, bool keepHistory, CancellationToken cancellationToken) => (await WriteAsync(
        now => ApiChange.Delete(now, api),
        (gone, _) =>
        {
            _file.Execute("DELETE FROM apis WHERE name = $1", gone.Name);
            if (!keepHistory)
            {
                _file.Execute("DELETE FROM versions WHERE api = $1", gone.Name);
            }
        },
        cancellationToken)).Count > 0;

    /// <inheritdoc/>
    public Task<IReadOnlyList<DeployedSpec>> GetVersionsAsync(string name, CancellationToken cancellationToken) => RunAsync<IReadOnlyList<DeployedSpec>>(
        _reading,
        () =>
        {
            using var command = SqliteFile.Command(_file.Reader, "SELECT spec FROM versions WHERE api = $1 ORDER BY api_id LIMIT $2", name, _versionsKept);
            using var reader = command.ExecuteReader();
            var versions = new List<DeployedSpec>();
            while (reader.Read())
            {
                versions.Add(ApiRow.ParseSpec(reader.GetString(0)));
            }

            return versions;
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<DeployedSpec?> GetVersionAsync(string name, string apiId, CancellationToken cancellationToken) => RunAsync(
        _reading,
        () =>
        {
            using var command = SqliteFile.Command(_file.Reader, "SELECT spec FROM versions WHERE api = $1 AND api_id = $2", name, apiId);
            return command.ExecuteScalar() is string json ? ApiRow.ParseSpec(json) : null;
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<TimeId?> GetNewestIdAsync(CancellationToken cancellationToken) => RunAsync<TimeId?>(
        _reading,
        () =>
        {
            using var command = SqliteFile.Command(_file.Reader, "SELECT min(api_id) FROM versions");
            return command.ExecuteScalar() is string text && ApiId.TryParse(text, out var id) ? id.Time : null;
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<string> GetOrAddSettingAsync(string key, Func<string> create, CancellationToken cancellationToken) => RunAsync(
        _writing,
        () =>
        {
            using var command = SqliteFile.Command(_file.Writer, "SELECT value FROM settings WHERE key = $1", key);
            if (command.ExecuteScalar() is string value)
            {
                return value;
            }

            _file.Execute("INSERT INTO settings(key, value) VALUES($1, $2) ON CONFLICT DO NOTHING", key, create());
            return (string)command.ExecuteScalar()!;
        },
        cancellationToken);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 1)
        {
            return;
        }

        // Somebody may be reading or writing at this moment.
        await _writing.WaitAsync();
        await _reading.WaitAsync();
        _file.Dispose();
        _writing.Dispose();
        _reading.Dispose();
    }

    // Whoever calls does not wait for the disk with a thread of its own.
    private static async Task<T> RunAsync<T>(SemaphoreSlim turn, Func<T> work, CancellationToken cancellationToken)
    {
        await turn.WaitAsync(cancellationToken);
        try
        {
            return await Task.Run(work, CancellationToken.None);
        }
        finally
        {
            turn.Release();
        }
    }

    private Task<IReadOnlyList<ApiChange>> WriteAsync(Func<ApiSnapshot, IReadOnlyList<ApiChange>> decide, Action<ApiChange, long> write, CancellationToken cancellationToken) =>
        RunAsync(_writing, () => Write(decide, write), cancellationToken);

    private IReadOnlyList<ApiChange> Write(Func<ApiSnapshot, IReadOnlyList<ApiChange>> decide, Action<ApiChange, long> write)
    {
        using var transaction = _file.Writer.BeginTransaction();
        _file.CheckEpoch(_epoch);
        var before = _file.Number("SELECT number FROM revision") is var revision && revision == _feed.Now.Revision ? _feed.Now : Load(_feed.Now, revision);
        _feed.Publish(before);
        var changes = decide(before);
        if (changes.Count == 0)
        {
            return changes;
        }

        var after = before.After(changes, _epoch);
        _file.Execute("UPDATE revision SET number = $1", after.Revision);
        foreach (var change in changes)
        {
            write(change, after.Revision);
        }

        transaction.Commit();
        _feed.Publish(after);
        return changes;
    }

    private ApiSnapshot Load(ApiSnapshot before, long revision)
    {
        using var command = SqliteFile.Command(_file.Writer, ApiRow.SelectSince, before.Revision);
        using var reader = command.ExecuteReader();
        var rows = new List<ApiChange>();
        while (reader.Read())
        {
            rows.Add(ApiRow.Read(reader));
        }

        return before.With(revision, rows);
    }

    private void Deploy(WantedApi api, long revision)
    {
        var json = ApiRow.ToJson(api.Spec);
        _file.Execute(
            """
            INSERT INTO apis(name, spec, replicas, callback_key, canary, revision) VALUES($1, $2, $3, $4, $5, $6)
            ON CONFLICT(name) DO UPDATE SET spec = $2, replicas = $3, callback_key = $4, canary = $5, revision = $6
            """,
            api.Name, json, api.Replicas, api.CallbackKey?.ToText() ?? (object)DBNull.Value, api.Canary?.ToText() ?? (object)DBNull.Value, revision);
        _file.Execute("INSERT INTO versions(api, api_id, spec) VALUES($1, $2, $3)", api.Name, api.Spec.Id, json);

        // API ids sort newest first, so everything behind the last one kept is older.
        _file.Execute("DELETE FROM versions WHERE api = $1 AND api_id NOT IN (SELECT api_id FROM versions WHERE api = $1 ORDER BY api_id LIMIT $2)", api.Name, _versionsKept);
    }
}
