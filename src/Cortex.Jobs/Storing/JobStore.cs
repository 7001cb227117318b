using System.Data.Common;
using System.Text.Json;
using Cortex.Core.Identifiers;
using Cortex.Core.Specs;
using Cortex.Core.Wire;
using Cortex.Jobs.Schedules;
using Microsoft.Extensions.Logging;

namespace Cortex.Jobs.Storing;

/// <summary>Every job of the cluster, in a file or in PostgreSQL.</summary>
public sealed class JobStore : IJobStore
{
    // Those that have a list take it as $1.
    internal const string SelectUnfinished = "SELECT record, revision FROM jobs WHERE kind = $1 AND ended IS NULL";
    internal const string SelectUnfinishedRuns = "SELECT record, revision FROM jobs WHERE kind = $1 AND api = $2 AND ended IS NULL AND scheduled IS NOT NULL";
    internal const string SelectRun = "SELECT record, revision FROM jobs WHERE api = $1 AND kind = $2 AND scheduled = $3 LIMIT 1";
    internal const string SelectSpec = "SELECT spec FROM specs WHERE api_id = $1";
    internal const string SelectNewest = "SELECT id FROM jobs ORDER BY id LIMIT 1";
    internal const string SelectSchedules = "SELECT state FROM schedules";
    internal const string SelectTooMany = "SELECT id, api_id FROM jobs WHERE api = $1 AND kind = $2 AND ended IS NOT NULL AND id > (SELECT id FROM jobs WHERE api = $1 AND kind = $2 AND ended IS NOT NULL ORDER BY id LIMIT 1 OFFSET $3)";
    internal const string SelectTooOld = "SELECT id, api_id FROM jobs WHERE kind = $1 AND ended IS NOT NULL AND ended < $2";
    internal const string SelectEndedOf = "SELECT id, api_id FROM jobs WHERE api = $1 AND kind = $2 AND ended IS NOT NULL";
    internal const string SelectOne = "SELECT id, api_id FROM jobs WHERE id = $1";

    private readonly JobDatabase _database;
    private readonly JobStoreOptions _options;
    private readonly TimeProvider _time;

    private JobStore(JobDatabase database, JobStoreOptions options, TimeProvider time) => (_database, _options, _time) = (database, options, time);

    /// <inheritdoc/>
    public long Epoch
    {
        get => _database.Epoch;
        set => _database.Epoch = value;
    }

    // Nothing comes after a tilde in an id: an API with fewer jobs gives all.
    internal string SelectEnded => $"""
        SELECT j.record, j.revision FROM {_database.FromList} CROSS JOIN jobs j
        WHERE j.api = l.value AND j.kind = $2 AND j.ended IS NOT NULL
        AND j.id <= coalesce((SELECT n.id FROM jobs n WHERE n.api = l.value AND n.kind = $2 AND n.ended IS NOT NULL ORDER BY n.id LIMIT 1 OFFSET $3), '~')
        """;

    internal string SelectJobs => $"SELECT j.record, j.revision FROM {_database.FromList} CROSS JOIN jobs j WHERE j.id = l.value";

    internal string SelectKnown => $"SELECT j.id FROM {_database.FromList} CROSS JOIN jobs j WHERE j.id = l.value";

    internal string SelectConfigs => $"SELECT c.id, c.config FROM {_database.FromList} CROSS JOIN configs c WHERE c.id = l.value";

    /// <summary>Opens a file, creating it when it is missing.</summary>
    /// <param name="path">The database file; its folder exists.</param>
    /// <param name="options">What is kept.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Where to log.</param>
    /// <exception cref="InvalidDataException">The file was written by a newer version, or is no readable database.</exception>
    /// <exception cref="Queues.StoreOwnedException">It is another cluster's.</exception>
    public static JobStore OpenFile(string path, JobStoreOptions options, TimeProvider time, ILogger<JobStore> logger)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new JobStore(new SqliteJobDatabase(path, options.Cluster, time, logger), options, time);
    }

    /// <summary>Connects to PostgreSQL, and makes the tables where they are missing.</summary>
    /// <param name="connectionString">As Npgsql takes it; the same as that of the APIs, whose epoch it shares.</param>
    /// <param name="options">What is kept.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Where to log.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <inheritdoc cref="Queues.Postgres.StateDatabase.OpenAsync" path="/exception"/>
    public static async Task<JobStore> OpenPostgresAsync(string connectionString, JobStoreOptions options, TimeProvider time, ILogger<JobStore> logger, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new JobStore(await PostgresJobDatabase.OpenAsync(connectionString, options, time, logger, cancellationToken), options, time);
    }

    /// <inheritdoc/>
    public Task AddAsync(JobRecord job, ReadOnlyMemory<byte> config, DeployedSpec spec, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(job);
        var specJson = JsonSerializer.Serialize(spec, WireJson.Contract.DeployedSpec);
        return _database.WriteAsync(
            async connection =>
            {
                await new Statement("INSERT INTO specs(api_id, spec) VALUES($1, $2) ON CONFLICT DO NOTHING", job.ApiId, specJson).ExecuteAsync(connection);
                await new Statement("INSERT INTO configs(id, config) VALUES($1, $2)", job.Id, config.ToArray()).ExecuteAsync(connection);
                return await new Statement(
                    "INSERT INTO jobs(id, api, kind, api_id, ended, record, revision, scheduled) VALUES($1, $2, $3, $4, NULL, $5, $6, $7)",
                    job.Id, job.ApiName, job.Kind.ToString(), job.ApiId, Serialize(job), job.Revision, job.ScheduledAt?.ToUnixTimeSeconds()).ExecuteAsync(connection);
            },
            cancellationToken);
    }

    /// <inheritdoc/>
    public async Task<JobRecord?> SaveAsync(JobRecord job, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(job);
        var saved = await _database.WriteAsync(
            connection => new Statement(
                "UPDATE jobs SET ended = $2, record = $3, revision = revision + 1 WHERE id = $1 AND revision = $4",
                job.Id, job.EndedAt?.ToUnixTimeMilliseconds(), Serialize(job), job.Revision).ExecuteAsync(connection),
            cancellationToken);
        return saved > 0 ? job with { Revision = job.Revision + 1 } : null;
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<string>> TrimAsync(string apiName, ApiKind kind, CancellationToken cancellationToken) =>
        RemoveAsync(new Statement(SelectTooMany, apiName, kind.ToString(), _options.History - 1), cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<string>> TrimOldAsync(ApiKind kind, CancellationToken cancellationToken) =>
        RemoveAsync(new Statement(SelectTooOld, kind.ToString(), (_time.GetUtcNow() - _options.HistoryAge).ToUnixTimeMilliseconds()), cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<string>> RemoveEndedAsync(string apiName, ApiKind kind, CancellationToken cancellationToken) =>
        RemoveAsync(new Statement(SelectEndedOf, apiName, kind.ToString()), cancellationToken);

    /// <inheritdoc/>
    public Task RemoveAsync(string jobId, CancellationToken cancellationToken) => RemoveAsync(new Statement(SelectOne, jobId), cancellationToken);

    /// <inheritdoc/>
    public Task SaveScheduleAsync(ScheduleState state, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(state);
        var json = JsonSerializer.Serialize(state, JobJsonContext.Default.ScheduleState);
        return _database.WriteAsync(
            connection => new Statement("INSERT INTO schedules(api, state) VALUES($1, $2) ON CONFLICT(api) DO UPDATE SET state = $2", state.ApiName, json).ExecuteAsync(connection), cancellationToken);
    }

    /// <inheritdoc/>
    public Task RemoveScheduleAsync(string apiName, CancellationToken cancellationToken) =>
        _database.WriteAsync(connection => new Statement("DELETE FROM schedules WHERE api = $1", apiName).ExecuteAsync(connection), cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<JobRecord>> GetUnfinishedAsync(ApiKind kind, CancellationToken cancellationToken) => ReadJobsAsync(new Statement(SelectUnfinished, kind.ToString()), cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<JobRecord>> GetEndedAsync(IReadOnlyCollection<string> apiNames, ApiKind kind, int count, CancellationToken cancellationToken) => apiNames is { Count: 0 }
        ? Task.FromResult<IReadOnlyList<JobRecord>>([])
        : ReadJobsAsync(new Statement(SelectEnded, _database.List(apiNames), kind.ToString(), count - 1), cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<JobRecord>> GetAsync(IReadOnlyCollection<string> jobIds, CancellationToken cancellationToken) => ReadJobsAsync(new Statement(SelectJobs, _database.List(jobIds)), cancellationToken);

    /// <inheritdoc/>
    public async Task<IReadOnlySet<string>> GetKnownAsync(IReadOnlyCollection<string> jobIds, CancellationToken cancellationToken) =>
        (await ReadAsync(Text, new Statement(SelectKnown, _database.List(jobIds)), cancellationToken)).ToHashSet(StringComparer.Ordinal);

    /// <inheritdoc/>
    public Task<IReadOnlyList<JobRecord>> GetUnfinishedRunsAsync(string apiName, ApiKind kind, CancellationToken cancellationToken) =>
        ReadJobsAsync(new Statement(SelectUnfinishedRuns, kind.ToString(), apiName), cancellationToken);

    /// <inheritdoc/>
    public async Task<JobRecord?> FindRunAsync(string apiName, ApiKind kind, DateTimeOffset scheduledAt, CancellationToken cancellationToken) =>
        await ReadJobsAsync(new Statement(SelectRun, apiName, kind.ToString(), scheduledAt.ToUnixTimeSeconds()), cancellationToken) is [var job] ? job : null;

    /// <inheritdoc/>
    public Task<IReadOnlyList<ScheduleState>> GetSchedulesAsync(CancellationToken cancellationToken) => ReadAsync(
        row => JsonSerializer.Deserialize(row.GetString(0), JobJsonContext.Default.ScheduleState) ?? throw new InvalidDataException("a stored schedule is empty"), new Statement(SelectSchedules), cancellationToken);

    /// <inheritdoc/>
    public async Task<IReadOnlyDictionary<string, byte[]>> GetConfigsAsync(IReadOnlyCollection<string> jobIds, CancellationToken cancellationToken) =>
        (await ReadAsync(row => KeyValuePair.Create(row.GetString(0), row.GetFieldValue<byte[]>(1)), new Statement(SelectConfigs, _database.List(jobIds)), cancellationToken)).ToDictionary(StringComparer.Ordinal);

    /// <inheritdoc/>
    public async Task<DeployedSpec?> GetSpecAsync(string apiId, CancellationToken cancellationToken) =>
        await ReadAsync(Text, new Statement(SelectSpec, apiId), cancellationToken) is [var spec] ? JsonSerializer.Deserialize(spec, WireJson.Contract.DeployedSpec) : null;

    /// <inheritdoc/>
    public async Task<TimeId?> GetNewestIdAsync(CancellationToken cancellationToken) =>
        await ReadAsync(Text, new Statement(SelectNewest), cancellationToken) is [var text] && TimeId.TryParse(text, out var id) ? id : null;

    /// <summary>Writes what it was given, and closes.</summary>
    public ValueTask DisposeAsync() => _database.DisposeAsync();

    private Task<IReadOnlyList<string>> RemoveAsync(Statement find, CancellationToken cancellationToken) => _database.WriteAsync<IReadOnlyList<string>>(
        async connection =>
        {
            var jobs = await find.ReadAsync(connection, row => (Id: row.GetString(0), ApiId: row.GetString(1)), CancellationToken.None);
            foreach (var (id, _) in jobs)
            {
                await new Statement("DELETE FROM jobs WHERE id = $1", id).ExecuteAsync(connection);
                await new Statement("DELETE FROM configs WHERE id = $1", id).ExecuteAsync(connection);
            }

            foreach (var version in jobs.Select(job => job.ApiId).Distinct(StringComparer.Ordinal))
            {
                await new Statement("DELETE FROM specs WHERE api_id = $1 AND NOT EXISTS (SELECT 1 FROM jobs WHERE api_id = $1)", version).ExecuteAsync(connection);
            }

            return [.. jobs.Select(job => job.Id)];
        },
        cancellationToken);

    // Newest first: sorted here, as the few that are read are in no index by that order.
    private async Task<IReadOnlyList<JobRecord>> ReadJobsAsync(Statement statement, CancellationToken cancellationToken) =>
        [.. (await ReadAsync(Job, statement, cancellationToken)).OrderBy(job => job.Id, StringComparer.Ordinal)];

    private Task<IReadOnlyList<T>> ReadAsync<T>(Func<DbDataReader, T> map, Statement statement, CancellationToken cancellationToken) =>
        _database.ReadAsync((connection, token) => statement.ReadAsync(connection, map, token), cancellationToken);

    private static string Text(DbDataReader row) => row.GetString(0);

    private static JobRecord Job(DbDataReader row) =>
        (JsonSerializer.Deserialize(row.GetString(0), JobJsonContext.Default.JobRecord) ?? throw new InvalidDataException("a stored job is empty")) with { Revision = row.GetInt64(1) };

    private static string Serialize(JobRecord job) => JsonSerializer.Serialize(job, JobJsonContext.Default.JobRecord);
}
