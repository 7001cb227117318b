using Cortex.Core.Wire;
using Cortex.Operator.State;
using Cortex.Queues;
using Microsoft.Data.Sqlite;

namespace Cortex.Operator.Tests.State;

/// <summary>The common facts in a file, and what only a file has to do.</summary>
public sealed class SqliteApiStoreTests : ApiStoreConformance
{
    private readonly string _directory = WriterProcess.Current is null ? Directory.CreateTempSubdirectory("cortex-store-").FullName : "";

    private string FilePath => WriterProcess.Current?.Database ?? Path.Combine(_directory, "state.db");

    protected override string Database => FilePath;

    protected override ValueTask PrepareAsync() => ValueTask.CompletedTask;

    private protected override ValueTask<IApiStore> OpenStoreAsync(int versionsKept, ClusterIdentity? cluster) =>
        ValueTask.FromResult<IApiStore>(new SqliteApiStore(FilePath, versionsKept, cluster));

    protected override ValueTask MakeNewerAsync()
    {
        Execute(FilePath, "PRAGMA user_version = 99");
        return ValueTask.CompletedTask;
    }

    protected override ValueTask CleanUpAsync()
    {
        Directory.Delete(_directory, recursive: true);
        return ValueTask.CompletedTask;
    }

    [Fact]
    public void Constructor_FileIsNoDatabase_SaysWhichAndHowToMendIt()
    {
        var path = Path.Combine(_directory, "other.db");
        File.WriteAllText(path, new string('x', 5000));

        var exception = Assert.Throws<InvalidDataException>(() => new SqliteApiStore(path, 10, cluster: null));

        Assert.Contains(path, exception.Message, StringComparison.Ordinal);
        Assert.Contains("move it away", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Constructor_FileOfVersion1_IsTakenOver()
    {
        var path = Path.Combine(_directory, "old.db");
        Execute(
            path,
            """
            CREATE TABLE apis(name TEXT PRIMARY KEY, spec TEXT NOT NULL, replicas INTEGER NOT NULL) WITHOUT ROWID;
            CREATE TABLE versions(api TEXT NOT NULL, api_id TEXT NOT NULL, spec TEXT NOT NULL, PRIMARY KEY(api, api_id)) WITHOUT ROWID;
            CREATE TABLE settings(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
            INSERT INTO apis VALUES('a', $spec, 3);
            INSERT INTO settings VALUES('k', 'v');
            PRAGMA user_version = 1;
            """,
            System.Text.Json.JsonSerializer.Serialize(Spec("a", 1), WireJson.Contract.DeployedSpec));

        await using var store = await Stores.OpenAsync(path);

        Assert.Equal((3, "v", null), (store.Apis["a"].Replicas, await store.GetOrAddSettingAsync("k", () => "w", Cancel), store.Apis["a"].CallbackKey));
        Assert.True(await store.DeployAsync([store.Apis["a"] with { Replicas = 4, CallbackKey = CallbackKey.New() }], Cancel));
        Assert.NotNull(store.Apis["a"].CallbackKey);
    }

    private static void Execute(string path, string sql, string? spec = null)
    {
        using var connection = new SqliteConnection($"Data Source={path};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // Every text is in the source.
        command.CommandText = sql;
#pragma warning restore CA2100
        if (spec is not null)
        {
            command.Parameters.AddWithValue("$spec", spec);
        }

        command.ExecuteNonQuery();
    }
}
