using System.Text;
using Cortex.Core.Specs;
using Cortex.Jobs.Storing;
using Cortex.Jobs.Tests.Support;
using Cortex.Queues.Postgres;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

[assembly: AssemblyFixture(typeof(PostgresServer))]

namespace Cortex.Jobs.Tests.Storing;

/// <summary>The common facts in PostgreSQL, and what only a database that processes share over a network has to do.</summary>
public sealed class PostgresJobStoreTests(PostgresServer server) : JobStoreConformance
{
    private string _connectionString = "";

    protected override string Database => _connectionString;

    protected override async ValueTask PrepareAsync() => _connectionString = WriterProcess.Current?.Database ?? await server.NewSchemaAsync();

    protected override async ValueTask<IJobStore> OpenStoreAsync(JobStoreOptions options) => await OpenAsync(_connectionString, options);

    protected override async ValueTask MakeNewerAsync() => await ExecuteAsync("update state_parts set format = 99 where part = 'jobs'");

    protected override async ValueTask<(string Plan, bool Scans)> ExplainAsync(string sql)
    {
        // As the store's own connections: by an index wherever there is one, so that what is left has none.
        var plan = await ExecuteAsync($"set enable_seqscan = off; set enable_bitmapscan = off; explain {sql.Replace("$1", sql.Contains("$1::text[]", StringComparison.Ordinal) ? "'{a}'" : "'a'", StringComparison.Ordinal)
            .Replace("$2", "'1'", StringComparison.Ordinal).Replace("$3", "'1'", StringComparison.Ordinal)}");
        return (plan, plan.Contains("Seq Scan", StringComparison.Ordinal) || (plan.Contains("Sort Key", StringComparison.Ordinal) && sql.Contains("LIMIT", StringComparison.Ordinal)));
    }

    protected override async ValueTask BeginEpochAsync(IJobStore store)
    {
        await using var state = await StateDatabase.OpenAsync(_connectionString, null, "test", [], TimeProvider.System, NullLogger.Instance, Cancel);
        store.Epoch = await state.AdvanceEpochAsync(Cancel);
    }

    protected override ValueTask CleanUpAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task Changes_AnswerOfTheCommitIsLost_AreFoundAndMadeOnce()
    {
        await using var proxy = new CuttingProxy(new NpgsqlConnectionStringBuilder(_connectionString).Port);
        await using var store = await OpenAsync(
            new NpgsqlConnectionStringBuilder(_connectionString) { Port = proxy.Port, SslMode = SslMode.Disable, GssEncryptionMode = GssEncryptionMode.Disable }.ConnectionString, new JobStoreOptions());
        store.Epoch = 1;

        proxy.CutAt("COMMIT"u8, isDelivered: true);
        await store.AddAsync(Some.Job("1"), "null"u8.ToArray(), Some.Api(), Cancel);
        proxy.CutAt("COMMIT"u8, isDelivered: true);
        Assert.Equal(1, (await store.SaveAsync(Some.Job("1"), Cancel))!.Revision);
        proxy.CutAt("COMMIT"u8, isDelivered: false);
        Assert.Equal(2, (await store.SaveAsync(Some.Job("1") with { Revision = 1, Message = "again" }, Cancel))!.Revision);

        Assert.Equal(3, proxy.Cuts);
        var found = Assert.Single(await Store.GetUnfinishedAsync(ApiKind.TaskAPI, Cancel));
        Assert.Equal((2L, "again"), (found.Revision, found.Message));
    }

    private async Task<JobStore> OpenAsync(string connectionString, JobStoreOptions options) => await JobStore.OpenPostgresAsync(connectionString, options, Time, NullLogger<JobStore>.Instance, Cancel);

    private async Task<string> ExecuteAsync(string sql)
    {
        await using var source = NpgsqlDataSource.Create(_connectionString);
#pragma warning disable CA2100 // Every text is in the source.
        await using var command = source.CreateCommand(sql);
#pragma warning restore CA2100
        await using var row = await command.ExecuteReaderAsync(Cancel);
        var text = new StringBuilder();
        while (await row.ReadAsync(Cancel))
        {
            text.AppendLine(row.GetString(0));
        }

        return text.ToString();
    }
}
