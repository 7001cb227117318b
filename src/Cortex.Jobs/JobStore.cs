using System.Text.Json;
using System.Threading.Channels;
using Cortex.Background;
using Cortex.Core.Identifiers;
using Cortex.Core.Specs;
using Cortex.Core.Wire;
using Cortex.Jobs.Schedules;
using Cortex.Queues.Sqlite;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace Cortex.Jobs;

/// <summary>Every job of the cluster, on disk. A change is synced to disk before the call that made it returns.</summary>
/// <remarks>
/// Changes that come while a commit is written share the next one, so that a hundred submissions at once cost a few commits. Readers have a
/// connection of their own, so that they never wait for a commit. Other processes must not write to the file.
/// </remarks>
public sealed class JobStore : IAsyncDisposable
{
    private const int MaxPending = 4096;
    private const int MaxBatch = 256;
    private const int Constraint = 19;   // SQLITE_CONSTRAINT

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
    ];

    private readonly SqliteFile _file;   // its writer is the background's
    private readonly Lock _reading = new();
    private readonly JobStoreOptions _options;
    private readonly TimeProvider _time;
    private readonly Channel<Change> _changes = Channel.CreateBounded<Change>(new BoundedChannelOptions(MaxPending) { SingleReader = true });
    private readonly BackgroundWork _background;
    private readonly List<Change> _batch = new(MaxBatch);

    /// <summary>Opens the file, creating it when it is missing.</summary>
    /// <exception cref="InvalidDataException">The file was written by a newer version, or is no readable database.</exception>
    /// <param name="options">Where it is, and what it keeps.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Where to log.</param>
    public JobStore(JobStoreOptions options, TimeProvider time, ILogger<JobStore> logger)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        _time = time;
        _file = new SqliteFile(options.Path, "the jobs", "begin without jobs", _migrations);
        _background = new BackgroundWork(logger, time);
        _background.StartLoop("the writer of jobs", WriteAsync);
    }

    /// <summary>Adds a job with everything that it needs, whatever happens to its API later.</summary>
    /// <param name="job">The job.</param>
    /// <param name="config">Its configuration, as JSON.</param>
    /// <param name="spec">The version of its API.</param>
    /// <param name="cancellationToken">Stops waiting; the job may be added all the same.</param>
    public Task AddAsync(JobRecord job, ReadOnlyMemory<byte> config, DeployedSpec spec, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(job);
        var specJson = JsonSerializer.Serialize(spec, WireJson.Contract.DeployedSpec);
        return ChangeAsync(() =>
        {
            _file.Execute("INSERT INTO specs(api_id, spec) VALUES($1, $2) ON CONFLICT DO NOTHING", job.ApiId, specJson);
            _file.Execute("INSERT INTO configs(id, config) VALUES($1, $2)", job.Id, config.ToArray());
            _file.Execute(
                "INSERT INTO jobs(id, api, kind, api_id, ended, record) VALUES($1, $2, $3, $4, NULL, $5)",
                job.Id, job.ApiName, job.Kind.ToString(), job.ApiId, Serialize(job));
        }, cancellationToken);
    }

    /// <summary>Stores a job as it is now. One that was removed meanwhile stays so.</summary>
    public Task SaveAsync(JobRecord job, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(job);
        return ChangeAsync(
            () => _file.Execute("UPDATE jobs SET ended = $2, record = $3 WHERE id = $1", job.Id, (object?)job.EndedAt?.ToUnixTimeMilliseconds() ?? DBNull.Value, Serialize(job)),
            cancellationToken);
    }

    /// <summary>Removes the oldest ended jobs of an API that are more than are kept.</summary>
    /// <returns>Their ids.</returns>
    public Task<IReadOnlyList<string>> TrimAsync(string apiName, ApiKind kind, CancellationToken cancellationToken) => RemoveAsync(
        () => Texts(_file.Writer, "SELECT id FROM jobs WHERE api = $1 AND kind = $2 AND ended IS NOT NULL ORDER BY id LIMIT -1 OFFSET $3", apiName, kind.ToString(), _options.History),
        cancellationToken);

    /// <summary>Removes the ended jobs of a kind that are older than they are kept.</summary>
    /// <returns>Their ids.</returns>
    public Task<IReadOnlyList<string>> TrimOldAsync(ApiKind kind, CancellationToken cancellationToken) => RemoveAsync(
        () => Texts(_file.Writer, "SELECT id FROM jobs WHERE kind = $1 AND ended < $2", kind.ToString(), (_time.GetUtcNow() - _options.HistoryAge).ToUnixTimeMilliseconds()),
        cancellationToken);

    /// <summary>Removes the ended jobs of an API of a kind.</summary>
    /// <returns>Their ids.</returns>
    public Task<IReadOnlyList<string>> RemoveEndedAsync(string apiName, ApiKind kind, CancellationToken cancellationToken) => RemoveAsync(
        () => Texts(_file.Writer, "SELECT id FROM jobs WHERE api = $1 AND kind = $2 AND ended IS NOT NULL", apiName, kind.ToString()), cancellationToken);

    /// <summary>Removes one job.</summary>
    public Task RemoveAsync(string jobId, CancellationToken cancellationToken) => ChangeAsync(() =>
    {
        Remove(jobId);
        RemoveUnusedSpecs();
    }, cancellationToken);

    /// <summary>Every job of a kind that has not ended, newest first.</summary>
    public IReadOnlyList<JobRecord> Unfinished(ApiKind kind)
    {
        lock (_reading)
        {
            return [.. Texts(_file.Reader, "SELECT record FROM jobs WHERE ended IS NULL AND kind = $1 ORDER BY id", kind.ToString()).Select(Parse)];
        }
    }

    /// <summary>The newest ended jobs of an API, newest first.</summary>
    public IReadOnlyList<JobRecord> Ended(string apiName, ApiKind kind, int count)
    {
        lock (_reading)
        {
            return [.. Texts(_file.Reader, "SELECT record FROM jobs WHERE api = $1 AND kind = $2 AND ended IS NOT NULL ORDER BY id LIMIT $3", apiName, kind.ToString(), count).Select(Parse)];
        }
    }

    /// <summary>One job of an API, or null.</summary>
    public JobRecord? Find(string apiName, ApiKind kind, string jobId)
    {
        lock (_reading)
        {
            return Texts(_file.Reader, "SELECT record FROM jobs WHERE id = $1 AND api = $2 AND kind = $3", jobId, apiName, kind.ToString()) is [var record] ? Parse(record) : null;
        }
    }

    /// <summary>The jobs of an API that its schedule started and that have not ended, newest first.</summary>
    public IReadOnlyList<JobRecord> UnfinishedRuns(string apiName, ApiKind kind)
    {
        lock (_reading)
        {
            return [.. Texts(_file.Reader, "SELECT record FROM jobs WHERE api = $1 AND kind = $2 AND ended IS NULL AND json_extract(record, '$.scheduled_at') IS NOT NULL ORDER BY id",
                apiName, kind.ToString()).Select(Parse)];
        }
    }

    /// <summary>The job that a run of an API's schedule became; null when it became none, or when that job is not kept any more.</summary>
    public JobRecord? FindRun(string apiName, ApiKind kind, DateTimeOffset scheduledAt)
    {
        lock (_reading)
        {
            return Texts(_file.Reader, "SELECT record FROM jobs WHERE api = $1 AND kind = $2 AND unixepoch(json_extract(record, '$.scheduled_at')) = $3 LIMIT 1",
                apiName, kind.ToString(), scheduledAt.ToUnixTimeSeconds()) is [var record] ? Parse(record) : null;
        }
    }

    /// <summary>How far every schedule is.</summary>
    public IReadOnlyList<ScheduleState> Schedules()
    {
        lock (_reading)
        {
            return [.. Texts(_file.Reader, "SELECT state FROM schedules").Select(state =>
                JsonSerializer.Deserialize(state, JobJsonContext.Default.ScheduleState) ?? throw new InvalidDataException("a stored schedule is empty"))];
        }
    }

    /// <summary>Stores how far a schedule is.</summary>
    public Task SaveScheduleAsync(ScheduleState state, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(state);
        return ChangeAsync(
            () => _file.Execute("INSERT INTO schedules(api, state) VALUES($1, $2) ON CONFLICT(api) DO UPDATE SET state = $2", state.ApiName, JsonSerializer.Serialize(state, JobJsonContext.Default.ScheduleState)),
            cancellationToken);
    }

    /// <summary>Forgets the schedule of an API.</summary>
    public Task RemoveScheduleAsync(string apiName, CancellationToken cancellationToken) =>
        ChangeAsync(() => _file.Execute("DELETE FROM schedules WHERE api = $1", apiName), cancellationToken);

    /// <summary>Whether there is a job of this id.</summary>
    public bool Contains(string jobId)
    {
        lock (_reading)
        {
            return Texts(_file.Reader, "SELECT id FROM jobs WHERE id = $1", jobId).Count > 0;
        }
    }

    /// <summary>A job's configuration as JSON; null when there is no such job.</summary>
    public byte[]? Config(string jobId)
    {
        lock (_reading)
        {
            using var command = SqliteFile.Command(_file.Reader, "SELECT config FROM configs WHERE id = $1", jobId);
            return command.ExecuteScalar() as byte[];
        }
    }

    /// <summary>The version of the API that a job runs; null when no job runs it.</summary>
    public DeployedSpec? Spec(string apiId)
    {
        lock (_reading)
        {
            return Texts(_file.Reader, "SELECT spec FROM specs WHERE api_id = $1", apiId) is [var spec] ? JsonSerializer.Deserialize(spec, WireJson.Contract.DeployedSpec) : null;
        }
    }

    /// <summary>The newest id of all; null when there is none.</summary>
    public TimeId? NewestId()
    {
        lock (_reading)
        {
            using var command = SqliteFile.Command(_file.Reader, "SELECT min(id) FROM jobs");
            return command.ExecuteScalar() is string text && TimeId.TryParse(text, out var id) ? id : null;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        // The writer ends once what it was given is written.
        _changes.Writer.TryComplete();
        await _background.WhenIdleAsync(CancellationToken.None);
        await _background.DisposeAsync();
        Close();
    }

    // Somebody may be reading at this moment.
    private void Close()
    {
        lock (_reading)
        {
            _file.Dispose();
        }
    }

    private async Task<IReadOnlyList<string>> RemoveAsync(Func<List<string>> find, CancellationToken cancellationToken)
    {
        List<string> removed = [];
        await ChangeAsync(() =>
        {
            removed = find();
            removed.ForEach(Remove);
            if (removed.Count > 0)
            {
                RemoveUnusedSpecs();
            }
        }, cancellationToken);
        return removed;
    }

    private async Task ChangeAsync(Action apply, CancellationToken cancellationToken)
    {
        var change = new Change(apply, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        await _changes.Writer.WriteAsync(change, cancellationToken);
        await change.Done.Task.WaitAsync(cancellationToken);
    }

    private async Task WriteAsync(CancellationToken cancellationToken)
    {
        while (_batch.Count > 0 || await _changes.Reader.WaitToReadAsync(CancellationToken.None))
        {
            while (_batch.Count < MaxBatch && _changes.Reader.TryRead(out var change))
            {
                _batch.Add(change);
            }

            Write(_batch);
            _batch.Clear();
        }
    }

    // Whatever goes wrong, each caller is told.
    private void Write(List<Change> batch)
    {
        try
        {
            using var transaction = _file.Writer.BeginTransaction();
            batch.ForEach(change => change.Apply());
            transaction.Commit();
        }
        catch (Exception exception) when (batch.Count == 1 || exception is SqliteException { SqliteErrorCode: not Constraint })
        {
            batch.ForEach(change => change.Done.TrySetException(exception));
            return;
        }
        catch (Exception)
        {
            // One of them can't be made; the others are none the worse for it.
            batch.ForEach(change => Write([change]));
            return;
        }

        batch.ForEach(change => change.Done.TrySetResult());
    }

    private void Remove(string id)
    {
        _file.Execute("DELETE FROM jobs WHERE id = $1", id);
        _file.Execute("DELETE FROM configs WHERE id = $1", id);
    }

    private void RemoveUnusedSpecs() => _file.Execute("DELETE FROM specs WHERE api_id NOT IN (SELECT api_id FROM jobs)");

    private static string Serialize(JobRecord job) => JsonSerializer.Serialize(job, JobJsonContext.Default.JobRecord);

    private static JobRecord Parse(string json) =>
        JsonSerializer.Deserialize(json, JobJsonContext.Default.JobRecord) ?? throw new InvalidDataException("a stored job is empty");

    private static List<string> Texts(SqliteConnection connection, string sql, params ReadOnlySpan<object> parameters)
    {
        using var command = SqliteFile.Command(connection, sql, parameters);
        using var reader = command.ExecuteReader();
        var texts = new List<string>();
        while (reader.Read())
        {
            texts.Add(reader.GetString(0));
        }

        return texts;
    }

    private sealed record Change(Action Apply, TaskCompletionSource Done);
}
