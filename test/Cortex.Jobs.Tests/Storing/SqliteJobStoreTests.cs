using Cortex.Core.Specs;
using Cortex.Jobs.Storing;
using Cortex.Jobs.Tests.Support;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;

namespace Cortex.Jobs.Tests.Storing;

/// <summary>The common facts in a file, and what only a file has to do.</summary>
public sealed class SqliteJobStoreTests : JobStoreConformance
{
    private readonly string _folder = WriterProcess.Current is null ? Directory.CreateTempSubdirectory("cortex-jobs-").FullName : "";

    protected override string Database => WriterProcess.Current?.Database ?? Path.Combine(_folder, "jobs.db");

    protected override ValueTask PrepareAsync() => ValueTask.CompletedTask;

    protected override ValueTask<IJobStore> OpenStoreAsync(JobStoreOptions options) => ValueTask.FromResult<IJobStore>(JobStore.OpenFile(Database, options, Time, NullLogger<JobStore>.Instance));

    protected override async ValueTask MakeNewerAsync() => await ExecuteAsync(Database, "PRAGMA user_version = 99");

    protected override async ValueTask<(string Plan, bool Scans)> ExplainAsync(string sql)
    {
        var plan = await ExecuteAsync(Database, $"EXPLAIN QUERY PLAN {sql}");

        // The newest id is the first of the primary key; the list is what the caller asked for.
        var lines = plan.Split('\n').Where(line => line is not ("SCAN jobs" or "SCAN l VIRTUAL TABLE INDEX 1:") || (line == "SCAN jobs" && sql != JobStore.SelectNewest));
        return (plan, lines.Any(line => line.StartsWith("SCAN", StringComparison.Ordinal) || line.Contains("TEMP B-TREE", StringComparison.Ordinal)));
    }

    protected override ValueTask BeginEpochAsync(IJobStore store)
    {
        store.Epoch = 2;
        return new ValueTask(store.RemoveScheduleAsync("none", Cancel));
    }

    protected override ValueTask CleanUpAsync()
    {
        if (_folder.Length > 0)
        {
            Directory.Delete(_folder, recursive: true);
        }

        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task Open_NoDatabase_SaysWhatToDo()
    {
        var path = Path.Combine(_folder, "other.db");
        await File.WriteAllTextAsync(path, new string('x', 5000), Cancel);

        Assert.Contains("move it away", Assert.Throws<InvalidDataException>(() => JobStore.OpenFile(path, new JobStoreOptions(), Time, NullLogger<JobStore>.Instance)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Open_FileOfVersion2_IsTakenOver()
    {
        var path = Path.Combine(_folder, "old.db");
        await ExecuteAsync(
            path,
            """
            CREATE TABLE jobs(id TEXT PRIMARY KEY, api TEXT NOT NULL, kind TEXT NOT NULL, api_id TEXT NOT NULL, ended INTEGER, record TEXT NOT NULL) WITHOUT ROWID;
            CREATE INDEX jobs_by_api ON jobs(api, kind, ended);
            CREATE INDEX jobs_by_version ON jobs(api_id);
            CREATE INDEX jobs_unfinished ON jobs(kind) WHERE ended IS NULL;
            CREATE TABLE configs(id TEXT PRIMARY KEY, config BLOB NOT NULL);
            CREATE TABLE specs(api_id TEXT PRIMARY KEY, spec TEXT NOT NULL);
            CREATE TABLE schedules(api TEXT PRIMARY KEY, state TEXT NOT NULL) WITHOUT ROWID;
            INSERT INTO jobs VALUES('1', 'train', 'TaskAPI', 'v', NULL, '{"id":"1","api_name":"train","kind":"TaskAPI","api_id":"v","spec_id":"s","pod_id":"p","created_at":"2030-01-01T00:00:00+00:00","scheduled_at":"2030-01-01T02:00:00+02:00"}');
            PRAGMA user_version = 2;
            """);

        await using var store = JobStore.OpenFile(path, new JobStoreOptions(), Time, NullLogger<JobStore>.Instance);
        store.Epoch = 1;

        var job = await store.FindRunAsync("train", ApiKind.TaskAPI, Some.Start, Cancel);
        Assert.Equal(("1", 0L), (job!.Id, job.Revision));
        Assert.NotNull(await store.SaveAsync(job with { Message = "on" }, Cancel));
    }

    [Fact]
    public async Task Read_WhileAChangeIsWritten_DoesNotWait()
    {
        await AddAsync("1");
        await using var other = new SqliteConnection($"Data Source={Database};Pooling=False");
        await other.OpenAsync(Cancel);
        await using (var transaction = await other.BeginTransactionAsync(Cancel))
        {
            // The writer waits for the lock of this one, as it would for a slow disk.
            var writing = AddAsync("2");
            Assert.NotNull(await Store.FindAsync("train", ApiKind.TaskAPI, "1", Cancel).WaitAsync(TimeSpan.FromSeconds(3), Cancel));
            Assert.False(writing.IsCompleted);
            await transaction.RollbackAsync(Cancel);
            await writing.WithinLimit();
        }

        Assert.NotNull(await Store.FindAsync("train", ApiKind.TaskAPI, "2", Cancel));
    }

    private static async Task<string> ExecuteAsync(string path, string sql)
    {
        await using var connection = new SqliteConnection($"Data Source={path};Pooling=False");
        await connection.OpenAsync(Cancel);
        await using var command = connection.CreateCommand();
#pragma warning disable CA2100 // Every text is in the source.
        command.CommandText = sql;
#pragma warning restore CA2100
        for (var i = 1; i <= 3; i++)
        {
            command.Parameters.AddWithValue($"${i}", i == 1 ? "[]" : "1");
        }

        await using var row = await command.ExecuteReaderAsync(Cancel);
        var lines = new List<string>();
        while (await row.ReadAsync(Cancel))
        {
            lines.Add(row.GetString(3));
        }

        return string.Join('\n', lines);
    }
}
