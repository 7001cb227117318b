using System.Collections.Immutable;
using System.Data;
using Cortex.Core.Identifiers;
using Cortex.Core.Wire;
using Cortex.Operator.Splitting;
using Cortex.Queues;
using Cortex.Queues.Postgres;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Cortex.Operator.State;

/// <summary>The desired state in PostgreSQL, which several processes may share: one that leads and writes, others that follow.</summary>
internal sealed class PostgresApiStore : IApiStore
{
    private const string Part = "apis";

    // How the tables came to be. Names and ids sort by their bytes, as in memory.
    private static readonly string[] _migrations =
    [
        """
        create table apis (name text collate "C" primary key, spec text not null, replicas int not null, callback_key text, canary text, revision bigint not null);
        create table versions (api text collate "C" not null, api_id text collate "C" not null, spec text not null, primary key (api, api_id));
        create index versions_by_id on versions (api_id);
        create table settings (key text primary key, value text not null);
        create table revision (number bigint not null);
        insert into revision values (1);
        """,
    ];

    private readonly StateDatabase _database;
    private readonly int _versionsKept;
    private readonly ApiFeed _feed = new();
    private readonly SemaphoreSlim _turn = new(1);   // guards what follows it: one write or look at a time
    private long _epoch;
    private long _highest;   // revision that was ever seen

    private PostgresApiStore(StateDatabase database, int versionsKept) => (_database, _versionsKept) = (database, versionsKept);

    /// <summary>Connects, makes the tables where they are missing, and reads the desired state.</summary>
    /// <param name="connectionString">As Npgsql takes it; the same as the queues' may be used.</param>
    /// <param name="versionsKept">Versions kept in each API's history; 1 or more.</param>
    /// <param name="cluster">Whose it is; null leaves that open and refuses nobody.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Where to log.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="ArgumentException">The connection string can't be read.</exception>
    /// <exception cref="InvalidDataException">The tables were written by a newer version.</exception>
    /// <exception cref="StoreOwnedException">They are another cluster's.</exception>
    /// <exception cref="StoreUnavailableException">The server can't be reached, or refuses the user.</exception>
    public static async Task<PostgresApiStore> OpenAsync(
        string connectionString, int versionsKept, ClusterIdentity? cluster, TimeProvider time, ILogger logger, CancellationToken cancellationToken)
    {
        var database = await StateDatabase.OpenAsync(connectionString, cluster, Part, _migrations, time, logger, cancellationToken);
        var store = new PostgresApiStore(database, versionsKept);
        try
        {
            await database.ReadAsync(store.LookAsync, cancellationToken);
            database.Watch(Part, store.LookAsync);
            return store;
        }
        catch
        {
            await store.DisposeAsync();
            throw;
        }
    }

    /// <inheritdoc/>
    public ImmutableSortedDictionary<string, WantedApi> Apis => _feed.Now.Apis;

    /// <inheritdoc/>
    public IAsyncEnumerable<ImmutableSortedDictionary<string, WantedApi>> WatchAsync(CancellationToken cancellationToken) => _feed.WatchAsync(cancellationToken);

    /// <inheritdoc/>
    public async Task<long> AdvanceEpochAsync(CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            return _epoch = await _database.AdvanceEpochAsync(cancellationToken);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <inheritdoc/>
    public async Task<bool> DeployAsync(IReadOnlyCollection<WantedApi> apis, CancellationToken cancellationToken) => apis.Count == 0 || (await WriteAsync(
        now => ApiChange.Deploy(now, apis),
        (changes, revision) => Deploy([.. changes.Select(change => change.Next!)], revision),
        isDurable: true,
        cancellationToken)).Count > 0;

    /// <inheritdoc/>
    public async Task<IReadOnlyCollection<ReplicaChange>> ScaleAsync(IReadOnlyCollection<ReplicaChange> changes, CancellationToken cancellationToken)
    {
        var made = await WriteAsync(
            now => ApiChange.Scale(now, changes),
            (made, revision) =>
            [
                new NpgsqlBatchCommand("update apis a set replicas = i.replicas, revision = $3 from unnest($1::text[], $2::int[]) i (name, replicas) where a.name = i.name")
                    .Add(Names(made)).Add(made.Select(change => change.Next!.Replicas).ToArray()).Add(revision),
            ],
            isDurable: false,
            cancellationToken);
        return [.. changes.Where(change => made.Any(each => each.Name == change.Seen.Name))];
    }

    /// <inheritdoc/>
    public async Task<bool> MoveCanaryAsync(WantedApi splitter, CanaryState next, CancellationToken cancellationToken) => (await WriteAsync(
        now => ApiChange.MoveCanary(now, splitter, next),
        (_, revision) => [new NpgsqlBatchCommand("update apis set canary = $2, revision = $3 where name = $1").Add(splitter.Name).Add(next.ToText()).Add(revision)],
        isDurable: true,
        cancellationToken)).Count > 0;

    /// <inheritdoc/>
    public async Task<bool> DeleteAsync(WantedApi api, bool keepHistory, CancellationToken cancellationToken) => (await WriteAsync(
        now => ApiChange.Delete(now, api),
        (_, _) =>
        [
            new NpgsqlBatchCommand("delete from apis where name = $1").Add(api.Name),
            .. keepHistory ? Array.Empty<NpgsqlBatchCommand>() : [new NpgsqlBatchCommand("delete from versions where api = $1").Add(api.Name)],
        ],
        isDurable: true,
        cancellationToken)).Count > 0;

    /// <inheritdoc/>
    public Task<IReadOnlyList<DeployedSpec>> GetVersionsAsync(string name, CancellationToken cancellationToken) => _database.ReadAsync<IReadOnlyList<DeployedSpec>>(
        async (connection, token) =>
        {
            await using var command = new NpgsqlCommand("select spec from versions where api = $1 order by api_id limit $2", connection).Add(name).Add(_versionsKept);
            await using var reader = await command.ExecuteReaderAsync(token);
            var versions = new List<DeployedSpec>();
            while (await reader.ReadAsync(token))
            {
                versions.Add(ApiRow.ParseSpec(reader.GetString(0)));
            }

            return versions;
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<DeployedSpec?> GetVersionAsync(string name, string apiId, CancellationToken cancellationToken) => _database.ReadAsync(
        async (connection, token) =>
        {
            await using var command = new NpgsqlCommand("select spec from versions where api = $1 and api_id = $2", connection).Add(name).Add(apiId);
            return await command.ExecuteScalarAsync(token) is string json ? ApiRow.ParseSpec(json) : null;
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<TimeId?> GetNewestIdAsync(CancellationToken cancellationToken) => _database.ReadAsync<TimeId?>(
        async (connection, token) =>
        {
            await using var command = new NpgsqlCommand("select min(api_id) from versions", connection);
            return await command.ExecuteScalarAsync(token) is string text && ApiId.TryParse(text, out var id) ? id.Time : null;
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<string> GetOrAddSettingAsync(string key, Func<string> create, CancellationToken cancellationToken)
    {
        var created = create();
        return _database.ReadAsync(
            async (connection, token) =>
            {
                await using var batch = new NpgsqlBatch(connection);
                batch.BatchCommands.Add(new NpgsqlBatchCommand("insert into settings (key, value) values ($1, $2) on conflict do nothing").Add(key).Add(created));
                batch.BatchCommands.Add(new NpgsqlBatchCommand("select value from settings where key = $1").Add(key));
                return (string)(await batch.ExecuteScalarAsync(token))!;
            },
            cancellationToken);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _database.DisposeAsync();
        _turn.Dispose();
    }

    private async Task<IReadOnlyList<ApiChange>> WriteAsync(
        Func<ApiSnapshot, IReadOnlyList<ApiChange>> decide, Func<IReadOnlyList<ApiChange>, long, IReadOnlyList<NpgsqlBatchCommand>> write, bool isDurable, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            IReadOnlyList<ApiChange> changes = [];
            var before = _feed.Now;
            var after = await _database.WriteAsync(
                _epoch,
                isDurable,
                async (connection, token) =>
                {
                    // Locked: from here to the commit no other process changes anything, and what is in memory is made to be what is stored.
                    await using var select = new NpgsqlCommand("select number from revision for update", connection);
                    before = await ReadAsync(connection, select, token);
                    changes = decide(before);
                    return changes.Count == 0 ? null : await WriteAsync(connection, before.After(changes, _epoch, _highest), revision => write(changes, revision), token);
                },
                cancellationToken);
            Publish(after ?? before);
            return changes;
        }
        finally
        {
            _turn.Release();
        }
    }

    private async Task<ApiSnapshot> WriteAsync(NpgsqlConnection connection, ApiSnapshot after, Func<long, IReadOnlyList<NpgsqlBatchCommand>> write, CancellationToken cancellationToken)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.BatchCommands.Add(new NpgsqlBatchCommand("update revision set number = $1").Add(after.Revision));
        foreach (var command in write(after.Revision))
        {
            batch.BatchCommands.Add(command);
        }

        batch.BatchCommands.Add(_database.Notify(Part));
        await batch.ExecuteNonQueryAsync(cancellationToken);
        return after;
    }

    private async Task<bool> LookAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            // Both statements see the same moment.
            await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellationToken);
            await using var select = new NpgsqlCommand("select number from revision", connection);
            Publish(await ReadAsync(connection, select, cancellationToken));
            await transaction.CommitAsync(cancellationToken);
            return true;
        }
        finally
        {
            _turn.Release();
        }
    }

    private async Task<ApiSnapshot> ReadAsync(NpgsqlConnection connection, NpgsqlCommand selectRevision, CancellationToken cancellationToken)
    {
        var revision = (long)(await selectRevision.ExecuteScalarAsync(cancellationToken))!;
        if (revision == _feed.Now.Revision)
        {
            return _feed.Now;
        }

        // A crash of the server may have taken back what was not synced.
        var before = revision > _feed.Now.Revision ? _feed.Now : ApiSnapshot.Unknown;
        await using var select = new NpgsqlCommand(ApiRow.SelectSince, connection).Add(before.Revision);
        await using var reader = await select.ExecuteReaderAsync(cancellationToken);
        var rows = new List<ApiChange>();
        while (await reader.ReadAsync(cancellationToken))
        {
            rows.Add(ApiRow.Read(reader));
        }

        return before.With(revision, rows);
    }

    private void Publish(ApiSnapshot snapshot)
    {
        _highest = Math.Max(_highest, snapshot.Revision);
        _feed.Publish(snapshot);
    }

    private NpgsqlBatchCommand[] Deploy(WantedApi[] apis, long revision)
    {
        string[] names = [.. apis.Select(api => api.Name)];
        string[] specs = [.. apis.Select(api => ApiRow.ToJson(api.Spec))];
        return
        [
            new NpgsqlBatchCommand(
                """
                insert into apis (name, spec, replicas, callback_key, canary, revision)
                select i.name, i.spec, i.replicas, i.callback_key, i.canary, $6 from unnest($1::text[], $2::text[], $3::int[], $4::text[], $5::text[]) i (name, spec, replicas, callback_key, canary)
                on conflict (name) do update set spec = excluded.spec, replicas = excluded.replicas, callback_key = excluded.callback_key, canary = excluded.canary, revision = excluded.revision
                """)
                .Add(names).Add(specs).Add(apis.Select(api => api.Replicas).ToArray())
                .AddTexts([.. apis.Select(api => api.CallbackKey?.ToText())]).AddTexts([.. apis.Select(api => api.Canary?.ToText())]).Add(revision),
            new NpgsqlBatchCommand("insert into versions (api, api_id, spec) select * from unnest($1::text[], $2::text[], $3::text[])")
                .Add(names).Add(apis.Select(api => api.Spec.Id).ToArray()).Add(specs),

            // API ids sort newest first, so everything behind the last one kept is older.
            new NpgsqlBatchCommand(
                """
                delete from versions v using unnest($1::text[]) i (name) cross join lateral (
                    select o.api_id from versions o where o.api = i.name order by o.api_id offset $2 limit 1) oldest
                where v.api = i.name and v.api_id >= oldest.api_id
                """).Add(names).Add(_versionsKept),
        ];
    }

    private static string[] Names(IEnumerable<ApiChange> changes) => [.. changes.Select(change => change.Name)];
}
