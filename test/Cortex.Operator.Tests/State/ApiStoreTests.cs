using Cortex.Core.Specs;
using Cortex.Core.Wire;
using Cortex.Operator.State;
using Microsoft.Data.Sqlite;

namespace Cortex.Operator.Tests.State;

public sealed class ApiStoreTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("cortex-store-").FullName;

    private string FilePath => Path.Combine(_directory, "state.db");

    [Fact]
    public void Deploy_ReadByAnotherProcess_IsThere()
    {
        using (var store = new ApiStore(FilePath, 10))
        {
            store.Deploy(new WantedApi(Spec("a", 1), 3));
        }

        using var again = new ApiStore(FilePath, 10);
        var api = Assert.Single(again.Apis.Values);
        Assert.Equal(("a", 3, Id(1)), (api.Name, api.Replicas, api.Spec.Id));
        Assert.Equal(TimeSpan.FromSeconds(60), api.Spec.Autoscaling!.Window);
        Assert.Equal("1", again.NewestId()!.Value.ToString()[15..]);
    }

    [Fact]
    public void Constructor_FileIsNoDatabase_SaysWhichAndHowToMendIt()
    {
        File.WriteAllText(FilePath, new string('x', 5000));

        var exception = Assert.Throws<InvalidDataException>(() => new ApiStore(FilePath, 10));

        Assert.Contains(FilePath, exception.Message, StringComparison.Ordinal);
        Assert.Contains("move it away", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void GetVersions_MoreThanKept_GivesTheNewest()
    {
        using var store = new ApiStore(FilePath, versionsKept: 3);
        for (var i = 9; i > 0; i--)
        {
            store.Deploy(new WantedApi(Spec("a", i), 1));
        }

        Assert.Equal([Id(1), Id(2), Id(3)], store.GetVersions("a").Select(version => version.Id));
        Assert.Null(store.GetVersion("a", Id(4)));
        Assert.Equal(Id(2), store.GetVersion("a", Id(2))!.Id);
    }

    [Fact]
    public void Scale_AsSeen_IsThereForAnotherProcess()
    {
        using (var store = new ApiStore(FilePath, 10))
        {
            store.Deploy(new WantedApi(Spec("a", 1), 3), new WantedApi(Spec("b", 2), 3));
            var change = new ReplicaChange(store.Apis["a"], 5);

            Assert.Equal([change], store.Scale([change]));
            Assert.Equal((5, Id(1)), (store.Apis["a"].Replicas, store.Apis["a"].Spec.Id));
        }

        using var again = new ApiStore(FilePath, 10);
        Assert.Equal((5, 3), (again.Apis["a"].Replicas, again.Apis["b"].Replicas));
    }

    [Fact]
    public void Scale_DeployedOrDeletedMeanwhile_ChangesOnlyTheOthers()
    {
        using var store = new ApiStore(FilePath, 10);
        store.Deploy(new WantedApi(Spec("a", 9), 3), new WantedApi(Spec("b", 8), 3), new WantedApi(Spec("c", 7), 3));
        ReplicaChange[] changes = [.. store.Apis.Values.Select(api => new ReplicaChange(api, 5))];
        store.Deploy(new WantedApi(Spec("a", 1), 3));
        store.Delete("b", keepHistory: false);

        Assert.Equal(["c"], store.Scale(changes).Select(change => change.Seen.Name));
        Assert.Equal((3, 5), (store.Apis["a"].Replicas, store.Apis["c"].Replicas));
        Assert.Equal(["a", "c"], store.Apis.Keys);
    }

    [Fact]
    public void Delete_KeepingHistory_OnlyForgetsTheWish()
    {
        using var store = new ApiStore(FilePath, 10);
        store.Deploy(new WantedApi(Spec("a", 1), 1));
        store.Deploy(new WantedApi(Spec("b", 2), 1));

        Assert.True(store.Delete("a", keepHistory: true));
        Assert.True(store.Delete("b", keepHistory: false));
        Assert.False(store.Delete("a", keepHistory: true));

        Assert.Empty(store.Apis);
        Assert.Single(store.GetVersions("a"));
        Assert.Empty(store.GetVersions("b"));
    }

    [Fact]
    public void Open_FileOfANewerVersion_IsRefused()
    {
        new ApiStore(FilePath, 10).Dispose();
        using (var connection = new SqliteConnection($"Data Source={FilePath};Pooling=False"))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = "PRAGMA user_version = 99";
            command.ExecuteNonQuery();
        }

        var exception = Assert.Throws<InvalidDataException>(() => new ApiStore(FilePath, 10));

        Assert.Contains("newer version", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void CallbackKey_SurvivesRedeploysAndRestarts_ButNotTheDelete()
    {
        var key = CallbackKey.New();
        using (var store = new ApiStore(FilePath, 10))
        {
            store.Deploy(new WantedApi(Spec("a", 2), 1) { CallbackKey = key });
            store.Deploy(store.Apis["a"] with { Spec = Spec("a", 1) });
        }

        using var again = new ApiStore(FilePath, 10);
        Assert.Equal(key.ToText(), again.Apis["a"].CallbackKey!.ToText());
        Assert.Matches("^whsec_[A-Za-z0-9+/]{43}=$", key.ToText());
        again.Delete("a", keepHistory: true);
        again.Deploy(new WantedApi(Spec("a", 3), 1));
        Assert.Null(again.Apis["a"].CallbackKey);
    }

    [Fact]
    public void Open_FileOfVersion1_IsTakenOver()
    {
        using (var connection = new SqliteConnection($"Data Source={FilePath};Pooling=False"))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = """
                CREATE TABLE apis(name TEXT PRIMARY KEY, spec TEXT NOT NULL, replicas INTEGER NOT NULL) WITHOUT ROWID;
                CREATE TABLE versions(api TEXT NOT NULL, api_id TEXT NOT NULL, spec TEXT NOT NULL, PRIMARY KEY(api, api_id)) WITHOUT ROWID;
                CREATE TABLE settings(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
                INSERT INTO apis VALUES('a', $spec, 3);
                INSERT INTO settings VALUES('k', 'v');
                PRAGMA user_version = 1;
                """;
            command.Parameters.AddWithValue("$spec", System.Text.Json.JsonSerializer.Serialize(Spec("a", 1), WireJson.Contract.DeployedSpec));
            command.ExecuteNonQuery();
        }

        using var store = new ApiStore(FilePath, 10);

        Assert.Equal((3, "v", null), (store.Apis["a"].Replicas, store.GetOrAddSetting("k", () => "w"), store.Apis["a"].CallbackKey));
        store.Deploy(store.Apis["a"] with { Replicas = 4, CallbackKey = CallbackKey.New() });
        Assert.NotNull(store.Apis["a"].CallbackKey);
    }

    [Fact]
    public void GetOrAddSetting_SecondTime_GivesTheFirstValue()
    {
        using var store = new ApiStore(FilePath, 10);

        Assert.Equal("x", store.GetOrAddSetting("k", () => "x"));
        Assert.Equal("x", store.GetOrAddSetting("k", () => "y"));
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private static string Id(int number) => $"{number:x16}-abc-def";

    private static DeployedSpec Spec(string name, int number) => new()
    {
        Name = name,
        Kind = ApiKind.RealtimeAPI,
        Networking = new NetworkingSpec("/" + name),
        Autoscaling = new AutoscalingSpec(),
        Id = Id(number),
        SpecId = "def",
        PodId = "pod",
        SubmittedApiSpec = System.Text.Json.JsonDocument.Parse("{}").RootElement,
    };
}
