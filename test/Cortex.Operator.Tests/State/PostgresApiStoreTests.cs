using Cortex.Operator.State;
using Cortex.Queues;
using Cortex.Queues.Blobs;
using Cortex.Queues.Postgres;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

[assembly: AssemblyFixture(typeof(PostgresServer))]

namespace Cortex.Operator.Tests.State;

/// <summary>The common facts in PostgreSQL, and what only a database that processes share over a network has to do.</summary>
public sealed class PostgresApiStoreTests(PostgresServer server) : ApiStoreConformance
{
    private string _connectionString = "";

    protected override string Database => _connectionString;

    protected override async ValueTask PrepareAsync() => _connectionString = WriterProcess.Current?.Database ?? await server.NewSchemaAsync();

    private protected override async ValueTask<IApiStore> OpenStoreAsync(int versionsKept, ClusterIdentity? cluster) => await OpenAsync(_connectionString, versionsKept, cluster);

    protected override async ValueTask MakeNewerAsync() => await ExecuteAsync("update state_parts set format = 99 where part = 'apis'");

    protected override ValueTask CleanUpAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task OpenAsync_ManyAtOnceOnAnEmptyDatabase_OneMakesTheTables()
    {
        var connectionString = await server.NewSchemaAsync();

        var stores = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => OpenAsync(connectionString)));

        Assert.All(stores, store => Assert.Empty(store.Apis));
        foreach (var store in stores)
        {
            await store.DisposeAsync();
        }
    }

    [Fact]
    public async Task OpenAsync_NoServer_IsUnavailable() =>
        await Assert.ThrowsAsync<StoreUnavailableException>(() => OpenAsync($"Host=127.0.0.1;Port={FreePort.Find()};Username=x"));

    [Fact]
    public async Task OpenAsync_BesideQueues_BothWork()
    {
        var folder = Directory.CreateTempSubdirectory("cortex-store-").FullName;
        await using (var blobs = new FolderBlobStore(folder))
        await using (var queues = await PostgresQueueStore.OpenAsync(_connectionString, new QueueStoreOptions { Cluster = new ClusterIdentity("ours", "us") }, blobs, TimeProvider.System, NullLogger.Instance))
        {
            await queues.ConfigureAsync("async/a", new QueueSettings(TimeSpan.FromHours(1)), Cancel);
            await Store.PutAsync(new WantedApi(Spec("a", 1), 1));
            Assert.Equal(["async/a"], await queues.ListQueuesAsync("", Cancel));
        }

        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task WatchAsync_AnotherProcessWrites_IsTold()
    {
        var follower = await OpenAsync();
        await using var watch = follower.WatchAsync(Cancel).GetAsyncEnumerator(Cancel);
        Assert.True(await watch.MoveNextAsync());

        await Store.PutAsync(new WantedApi(Spec("a", 2), 1), new WantedApi(Spec("b", 1), 1));
        Assert.True(await watch.MoveNextAsync().AsTask().WithinLimit());
        Assert.Equal(["a", "b"], watch.Current.Keys);

        await Store.ScaleAsync([new ReplicaChange(Store.Apis["a"], 5)], Cancel);
        await Store.DropAsync("b");
        await Eventually.TrueAsync(() => follower.Apis.Count == 1 && follower.Apis["a"].Replicas == 5, "the follower has seen both");
    }

    [Fact]
    public async Task Changes_AnswerOfTheCommitIsLost_AreFoundAndMadeOnce()
    {
        await using var proxy = await ProxyAsync();
        await using var store = await OpenAsync(Through(proxy));
        await store.AdvanceEpochAsync(Cancel);
        await store.PutAsync(new WantedApi(Spec("a", 9), 1), new WantedApi(Spec("b", 8), 1));

        proxy.CutAt("COMMIT"u8, isDelivered: true);
        await store.PutAsync(new WantedApi(Spec("a", 7), 1));
        proxy.CutAt("COMMIT"u8, isDelivered: true);
        Assert.Single(await store.ScaleAsync([new ReplicaChange(store.Apis["a"], 4)], Cancel));
        proxy.CutAt("COMMIT"u8, isDelivered: true);
        await store.DropAsync("b");

        Assert.Equal(3, proxy.Cuts);
        var again = await OpenAsync();
        Assert.Equal([("a", Id(7), 4)], again.Apis.Values.Select(api => (api.Name, api.Spec.Id, api.Replicas)));
        Assert.Equal(again.Apis["a"].Revision, store.Apis["a"].Revision);
        Assert.Equal([Id(7), Id(9)], (await again.GetVersionsAsync("a", Cancel)).Select(version => version.Id));
    }

    [Fact]
    public async Task Changes_CommitDoesNotArrive_AreMadeAgain()
    {
        await using var proxy = await ProxyAsync();
        await using var store = await OpenAsync(Through(proxy));
        await store.AdvanceEpochAsync(Cancel);

        proxy.CutAt("COMMIT"u8, isDelivered: false);
        await store.PutAsync(new WantedApi(Spec("a", 7), 1));
        proxy.CutAt(System.Text.Encoding.UTF8.GetBytes(Id(6)), isDelivered: true);   // before the commit
        await store.PutAsync(new WantedApi(Spec("b", 6), 1));

        Assert.Equal(2, proxy.Cuts);
        var again = await OpenAsync();
        Assert.Equal(["a", "b"], again.Apis.Keys);
        Assert.Single(await again.GetVersionsAsync("a", Cancel));
    }

    [Fact]
    public async Task Changes_EpochBeginsWhileOneIsWritten_WaitForItAndThenRefuse()
    {
        var leader = await OpenAsync();
        await using var source = NpgsqlDataSource.Create(_connectionString);
        await using var holder = await source.OpenConnectionAsync(Cancel);
        await using var held = await holder.BeginTransactionAsync(Cancel);
        await using (var command = new NpgsqlCommand("select number from revision for update", holder))
        {
            await command.ExecuteNonQueryAsync(Cancel);
        }

        // It has begun, and waits for the revision; the new epoch waits for it.
        var writing = Store.DeployAsync([new WantedApi(Spec("a", 1), 1)], Cancel);
        await Eventually.TrueAsync(async () => await ExecuteAsync("select count(*) from pg_stat_activity where wait_event_type = 'Lock' and query like '%revision for update%'") is > 0L, "the change waits");
        var advancing = leader.AdvanceEpochAsync(Cancel);
        await Eventually.TrueAsync(async () => await ExecuteAsync("select count(*) from pg_stat_activity where wait_event_type = 'Lock' and query like '%update state%'") is > 0L, "the epoch waits");
        await held.RollbackAsync(Cancel);

        Assert.True(await writing.WithinLimit());
        Assert.Equal(3, await advancing.WithinLimit());
        await Assert.ThrowsAsync<StaleEpochException>(() => Store.DeployAsync([new WantedApi(Spec("b", 2), 1)], Cancel));
    }

    [Fact]
    public async Task LookAsync_UnsyncedChangesWereTakenBack_AreForgotten()
    {
        await Store.PutAsync(new WantedApi(Spec("a", 9), 1));
        var before = Store.Apis["a"];
        await Store.ScaleAsync([new ReplicaChange(before, 5)], Cancel);
        var scaled = Store.Apis["a"].Revision;

        // As after a crash of the server.
        await ExecuteAsync($"update apis set replicas = 1, revision = {before.Revision}; update revision set number = {before.Revision}");

        await Eventually.TrueAsync(() => Store.Apis["a"].Replicas == 1, "it is seen");
        await Store.PutAsync(new WantedApi(Spec("b", 8), 1));
        Assert.True(Store.Apis["b"].Revision > scaled);
    }

    [Fact]
    public async Task Feed_TheLogThrowsAlways_LivesOnAfterEveryConnectionBroke()
    {
        var faults = new Faults();
        faults.Arm(1);
        await using var follower = await PostgresApiStore.OpenAsync(_connectionString, 3, cluster: null, TimeProvider.System, faults.On<ILogger>(NullLogger.Instance), Cancel);
        for (var i = 1; i < 4; i++)
        {
            await ExecuteAsync("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'cortex apis' and pid <> pg_backend_pid()");
            await Store.PutAsync(new WantedApi(Spec($"api-{i}", i), 1));
            await Eventually.TrueAsync(() => follower.Apis.Count == i, "the follower has seen it");
        }
    }

    [Fact]
    public async Task DeployAsync_HundredApisTwice_KeepsAllAndTheirVersions()
    {
        WantedApi[] apis = [.. Enumerable.Range(0, 100).Select(i => new WantedApi(Spec($"api-{i}", 1000 - i), 1))];
        await Store.PutAsync(apis);
        await Store.PutAsync([.. apis.Select((api, i) => api with { Spec = Spec(api.Name, 800 - i) })]);

        Assert.Equal(100, Store.Apis.Count);
        Assert.Equal(2, (await Store.GetVersionsAsync("api-7", Cancel)).Count);
    }

    private async Task<CuttingProxy> ProxyAsync() => new(new NpgsqlConnectionStringBuilder(await server.NewSchemaAsync()).Port);

    private string Through(CuttingProxy proxy) => new NpgsqlConnectionStringBuilder(_connectionString) { Port = proxy.Port, SslMode = SslMode.Disable, GssEncryptionMode = GssEncryptionMode.Disable }.ConnectionString;

    private static async Task<IApiStore> OpenAsync(string connectionString, int versionsKept = 3, ClusterIdentity? cluster = null) =>
        await PostgresApiStore.OpenAsync(connectionString, versionsKept, cluster, TimeProvider.System, NullLogger.Instance, Cancel);

    private async Task<object?> ExecuteAsync(string sql)
    {
        await using var source = NpgsqlDataSource.Create(_connectionString);
#pragma warning disable CA2100 // Every text is in the source.
        await using var command = source.CreateCommand(sql);
#pragma warning restore CA2100
        return await command.ExecuteScalarAsync(Cancel);
    }
}
