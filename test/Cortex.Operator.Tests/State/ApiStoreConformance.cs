using System.Collections.Immutable;
using System.Globalization;
using Cortex.Core.Specs;
using Cortex.Core.Wire;
using Cortex.Operator.Splitting;
using Cortex.Operator.State;
using Cortex.Queues;

namespace Cortex.Operator.Tests.State;

/// <summary>What every store of the desired state must do. One subclass per database.</summary>
public abstract class ApiStoreConformance : IAsyncLifetime
{
    private static readonly ClusterIdentity Ours = new("ours", "cortex on host-1");
    private static readonly CallbackKey Key = CallbackKey.New();

    private readonly List<IApiStore> _opened = [];

    private protected IApiStore Store { get; private set; } = null!;

    private protected static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await PrepareAsync();
        Store = await OpenAsync();
        await Store.AdvanceEpochAsync(Cancel);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var store in _opened)
        {
            await store.DisposeAsync();
        }

        await CleanUpAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>Where the database is: what another process needs to open it.</summary>
    protected abstract string Database { get; }

    /// <summary>Makes an empty database, or takes that of <see cref="WriterProcess.Current"/>.</summary>
    protected abstract ValueTask PrepareAsync();

    /// <summary>Another store on the same database, as another process would open it.</summary>
    private protected abstract ValueTask<IApiStore> OpenStoreAsync(int versionsKept, ClusterIdentity? cluster);

    /// <summary>Makes the tables look as if a newer version had written them.</summary>
    protected abstract ValueTask MakeNewerAsync();

    /// <summary>Removes the database.</summary>
    protected abstract ValueTask CleanUpAsync();

    [Fact]
    public async Task Apis_NothingDeployed_IsEmptyAndHasNoHistory()
    {
        Assert.Empty(Store.Apis);
        Assert.Null(await Store.GetNewestIdAsync(Cancel));
        Assert.Empty(await Store.GetVersionsAsync("a", Cancel));
        Assert.Null(await Store.GetVersionAsync("a", Id(1), Cancel));
        Assert.True(await Store.DeployAsync([], Cancel));
        Assert.Empty(await Store.ScaleAsync([], Cancel));
    }

    [Fact]
    public async Task DeployAsync_ReadByAnotherProcess_IsThereInOrdinalOrder()
    {
        await Store.PutAsync(new WantedApi(Spec("b", 3), 0), new WantedApi(Spec("a", 1), 3) { CallbackKey = Key }, new WantedApi(Spec("B", 2), 0) { Canary = CanaryState.New(DateTimeOffset.UnixEpoch) });

        var again = await OpenAsync();

        Assert.Equal(["B", "a", "b"], again.Apis.Keys);
        var api = again.Apis["a"];
        Assert.Equal((3, Id(1), Key.ToText()), (api.Replicas, api.Spec.Id, api.CallbackKey!.ToText()));
        Assert.Equal(TimeSpan.FromSeconds(60), api.Spec.Autoscaling!.Window);
        Assert.Equal(CanaryState.New(DateTimeOffset.UnixEpoch), again.Apis["B"].Canary);
        Assert.Equal(Store.Apis["a"].Revision, api.Revision);
        Assert.Equal("1", (await again.GetNewestIdAsync(Cancel))!.Value.ToString()[15..]);
    }

    [Fact]
    public async Task Revisions_OfChangesInARow_Rise()
    {
        var revisions = new List<long>();
        for (var i = 9; i > 5; i--)
        {
            await Store.PutAsync(new WantedApi(Spec(i % 2 == 0 ? "even" : "odd", i), 1));
            revisions.Add(Store.Apis.Values.Max(api => api.Revision));
        }

        await Store.AdvanceEpochAsync(Cancel);
        await Store.ScaleAsync([new ReplicaChange(Store.Apis["odd"], 7)], Cancel);
        revisions.Add(Store.Apis["odd"].Revision);

        Assert.Equal(revisions.Order().Distinct(), revisions);
        Assert.True(revisions[0] > 0);
    }

    [Fact]
    public async Task DeployAsync_MadeFromAnOlderRevision_ChangesNothing()
    {
        await Store.PutAsync(new WantedApi(Spec("a", 9), 1));
        var seen = Store.Apis["a"];
        await Store.ScaleAsync([new ReplicaChange(seen, 4)], Cancel);

        Assert.False(await Store.DeployAsync([new WantedApi(Spec("b", 8), 1), seen with { Spec = Spec("a", 7) }], Cancel));
        Assert.False(await Store.DeployAsync([new WantedApi(Spec("a", 6), 1)], Cancel));   // as if it were new

        Assert.Equal(["a"], Store.Apis.Keys);
        Assert.Equal((4, Id(9)), (Store.Apis["a"].Replicas, Store.Apis["a"].Spec.Id));
        Assert.Single(await Store.GetVersionsAsync("a", Cancel));
    }

    [Fact]
    public async Task DeployAsync_TwoAtOnceFromTheSameRevision_OneWins()
    {
        await Store.PutAsync(new WantedApi(Spec("a", 99), 1));
        for (var round = 1; round <= 10; round++)
        {
            var seen = Store.Apis["a"];
            var made = await Task.WhenAll(Enumerable.Range(1, 2).Select(i => Store.DeployAsync([seen with { Spec = Spec("a", 99 - (2 * round) - i + 1) }], Cancel)));

            Assert.Single(made, true);
        }
    }

    [Fact]
    public async Task GetVersionsAsync_MoreThanKept_GivesTheNewest()
    {
        await Store.PutAsync(new WantedApi(Spec("other", 20), 1));
        for (var i = 9; i > 0; i--)
        {
            await Store.PutAsync(new WantedApi(Spec("a", i), 1));
        }

        Assert.Equal([Id(1), Id(2), Id(3)], (await Store.GetVersionsAsync("a", Cancel)).Select(version => version.Id));
        Assert.Null(await Store.GetVersionAsync("a", Id(4), Cancel));
        Assert.Equal(Id(2), (await Store.GetVersionAsync("a", Id(2), Cancel))!.Id);
        Assert.Single(await Store.GetVersionsAsync("other", Cancel));
    }

    [Fact]
    public async Task ScaleAsync_DeployedOrDeletedMeanwhile_ChangesOnlyTheOthers()
    {
        await Store.PutAsync(new WantedApi(Spec("a", 9), 3), new WantedApi(Spec("b", 8), 3), new WantedApi(Spec("c", 7), 3));
        ReplicaChange[] changes = [.. Store.Apis.Values.Select(api => new ReplicaChange(api, 5))];
        await Store.PutAsync(new WantedApi(Spec("a", 1), 3));
        await Store.DropAsync("b");

        Assert.Equal(["c"], (await Store.ScaleAsync(changes, Cancel)).Select(change => change.Seen.Name));
        Assert.Empty(await Store.ScaleAsync(changes, Cancel));

        var again = await OpenAsync();
        Assert.Equal(["a", "c"], again.Apis.Keys);
        Assert.Equal((3, 5, Id(7)), (again.Apis["a"].Replicas, again.Apis["c"].Replicas, again.Apis["c"].Spec.Id));
    }

    [Fact]
    public async Task DeleteAsync_KeepingHistory_OnlyForgetsTheWish()
    {
        await Store.PutAsync(new WantedApi(Spec("a", 1), 1) { CallbackKey = Key }, new WantedApi(Spec("b", 2), 1));
        var seen = Store.Apis["a"];

        Assert.False(await Store.DeleteAsync(seen with { Revision = seen.Revision - 1 }, keepHistory: true, Cancel));
        Assert.True(await Store.DeleteAsync(seen, keepHistory: true, Cancel));
        Assert.False(await Store.DeleteAsync(seen, keepHistory: true, Cancel));
        Assert.False(await Store.DeleteAsync(new WantedApi(Spec("never", 3), 1), keepHistory: true, Cancel));
        await Store.DropAsync("b");

        var again = await OpenAsync();
        Assert.Empty(again.Apis);
        Assert.Single(await again.GetVersionsAsync("a", Cancel));
        Assert.Empty(await again.GetVersionsAsync("b", Cancel));
    }

    [Fact]
    public async Task MoveCanaryAsync_YieldsToADeployment()
    {
        var moved = new CanaryState(CanaryPhase.RolledBack, 1, DateTimeOffset.UnixEpoch.AddSeconds(5), "why");
        await Store.PutAsync(new WantedApi(Spec("split", 2), 0) { Canary = CanaryState.New(DateTimeOffset.UnixEpoch) });
        var old = Store.Apis["split"];
        await Store.PutAsync(old with { Spec = Spec("split", 1) });

        Assert.False(await Store.MoveCanaryAsync(old, moved, Cancel));
        Assert.True(await Store.MoveCanaryAsync(Store.Apis["split"], moved, Cancel));
        Assert.False(await Store.MoveCanaryAsync(old, moved, Cancel));

        var again = await OpenAsync();
        Assert.Equal((moved, Id(1)), (again.Apis["split"].Canary, again.Apis["split"].Spec.Id));
    }

    [Fact]
    public async Task GetOrAddSettingAsync_SecondTimeAndInAnotherProcess_GivesTheFirstValue()
    {
        Assert.Equal("x", await Store.GetOrAddSettingAsync("k", () => "x", Cancel));
        Assert.Equal("x", await Store.GetOrAddSettingAsync("k", () => "y", Cancel));
        Assert.Equal("x", await (await OpenAsync()).GetOrAddSettingAsync("k", () => "z", Cancel));
    }

    [Fact]
    public async Task Changes_NoEpochBegun_AreRefused()
    {
        var follower = await OpenAsync();

        await Assert.ThrowsAsync<StaleEpochException>(() => follower.DeployAsync([new WantedApi(Spec("a", 1), 1)], Cancel));
    }

    [Fact]
    public async Task Changes_AnotherProcessBeganAnEpoch_AreRefusedAndNothingChanges()
    {
        await Store.PutAsync(new WantedApi(Spec("a", 9), 1) { Canary = CanaryState.New(DateTimeOffset.UnixEpoch) });
        var api = Store.Apis["a"];
        var leader = await OpenAsync();
        var epoch = await leader.AdvanceEpochAsync(Cancel);

        var refused = await Assert.ThrowsAsync<StaleEpochException>(() => Store.DeployAsync([api with { Spec = Spec("a", 1) }], Cancel));
        await Assert.ThrowsAsync<StaleEpochException>(() => Store.ScaleAsync([new ReplicaChange(api, 3)], Cancel));
        await Assert.ThrowsAsync<StaleEpochException>(() => Store.MoveCanaryAsync(api, CanaryState.New(DateTimeOffset.UnixEpoch.AddDays(1)), Cancel));
        await Assert.ThrowsAsync<StaleEpochException>(() => Store.DeleteAsync(api, keepHistory: false, Cancel));

        Assert.Contains($"epoch {epoch}", refused.Message, StringComparison.Ordinal);
        Assert.Equal(api.Revision, (await OpenAsync()).Apis["a"].Revision);
        Assert.True(await leader.DeployAsync([leader.Apis["a"] with { Spec = Spec("a", 2) }], Cancel));
    }

    [Fact]
    public async Task Changes_AfterAnotherProcessWrote_AreMadeFromWhatItWrote()
    {
        await Store.PutAsync(new WantedApi(Spec("a", 9), 1), new WantedApi(Spec("b", 8), 1), new WantedApi(Spec("c", 7), 1));
        var other = await OpenAsync();
        await other.AdvanceEpochAsync(Cancel);
        await other.PutAsync(new WantedApi(Spec("a", 6), 2), new WantedApi(Spec("d", 5), 1));
        await other.DropAsync("b");
        await Store.AdvanceEpochAsync(Cancel);

        // It may not have been told yet; the change finds out.
        Assert.True(await Store.MoveCanaryAsync(Store.Apis["c"], CanaryState.New(DateTimeOffset.UnixEpoch), Cancel));

        Assert.Equal(["a", "c", "d"], Store.Apis.Keys);
        Assert.Equal(other.Apis["a"] with { Spec = null! }, Store.Apis["a"] with { Spec = null! });
        Assert.NotNull((await OpenAsync()).Apis["c"].Canary);
    }

    [Fact]
    public async Task WatchAsync_Changed_TellsTheNewestOnce()
    {
        await using var watch = Store.WatchAsync(Cancel).GetAsyncEnumerator(Cancel);
        Assert.Empty(await NextAsync(watch));

        await Store.PutAsync(new WantedApi(Spec("a", 2), 1));
        await Store.PutAsync(new WantedApi(Spec("b", 1), 1));
        Assert.Equal(["a", "b"], (await NextAsync(watch)).Keys);

        var next = watch.MoveNextAsync();
        await Store.ScaleAsync([new ReplicaChange(Store.Apis["a"] with { Revision = 1 }, 5)], Cancel);   // changes nothing
        Assert.False(next.IsCompleted);
        await Store.DropAsync("a");
        Assert.True(await next.AsTask().WithinLimit());
        Assert.Equal(["b"], watch.Current.Keys);
    }

    [Fact]
    public async Task Open_OfAnotherCluster_IsRefusedWithWhatToDoAndTakenOverWhenNamed()
    {
        await OpenAsync(Ours);

        var refused = await Assert.ThrowsAsync<StoreOwnedException>(async () => await OpenAsync(new ClusterIdentity("theirs", "cortex on host-2")));

        Assert.Contains("cortex on host-1", refused.Message, StringComparison.Ordinal);
        Assert.Contains("storage.adopt: ours", refused.Message, StringComparison.Ordinal);
        await OpenAsync(Ours);
        await OpenAsync(new ClusterIdentity("theirs", "cortex on host-2", Adopt: "ours"));
        await Assert.ThrowsAsync<StoreOwnedException>(async () => await OpenAsync(Ours));
    }

    [Fact]
    public async Task Open_TablesOfANewerVersion_IsRefused()
    {
        await MakeNewerAsync();

        var refused = await Assert.ThrowsAsync<InvalidDataException>(async () => await OpenAsync());

        Assert.Contains("newer version", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public Task Process_KilledWhileItWrites_LosesNothingThatWasAcknowledged() => WriterProcess.Current is { } writer ? WriteForEverAsync(writer) : KillWriterAsync();

    [Fact]
    public async Task DeployAsync_Cancelled_EndsSoonAndTheNextIsMade()
    {
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Store.DeployAsync([new WantedApi(Spec("a", 2), 1)], cancelled.Token));

        await Store.PutAsync(new WantedApi(Spec("b", 1), 1));
        Assert.Equal(["b"], Store.Apis.Keys);
    }

    private async Task KillWriterAsync()
    {
        using var writer = WriterProcess.Start(GetType(), nameof(Process_KilledWhileItWrites_LosesNothingThatWasAcknowledged), Database);
        await Eventually.TrueAsync(() => writer.Acknowledged().Count > 200, "it has written");

        var acknowledged = await writer.KillAsync();

        // Each API is as it was acknowledged last, or as the change made it that was under way; newer ids sort first.
        var store = await OpenAsync();
        Assert.All(acknowledged.Select(line => line.Split(' ')).GroupBy(words => words[0]), api =>
        {
            var (id, replicas) = (api.Last()[1], int.Parse(api.Last()[2], CultureInfo.InvariantCulture));
            var stored = store.Apis[api.Key];
            Assert.True(string.CompareOrdinal(stored.Spec.Id, id) < 0 || stored.Replicas >= replicas, $"{api.Key}: {stored.Spec.Id}, {stored.Replicas} replicas instead of {id}, {replicas}");
            Assert.True(string.CompareOrdinal(stored.Spec.Id, id) <= 0);
        });
    }

    private async Task WriteForEverAsync(WriterProcess writer)
    {
        for (var i = 1; ; i++)
        {
            var api = new WantedApi(Spec($"api-{i % 10}", int.MaxValue - i), 1);
            await Store.PutAsync(api);
            writer.Acknowledge($"{api.Name} {api.Spec.Id} 1");
            await Store.ScaleAsync([new ReplicaChange(Store.Apis[api.Name], 2)], Cancel);
            writer.Acknowledge($"{api.Name} {api.Spec.Id} 2");
        }
    }

    private protected async ValueTask<IApiStore> OpenAsync(ClusterIdentity? cluster = null)
    {
        var store = await OpenStoreAsync(versionsKept: 3, cluster);
        _opened.Add(store);
        return store;
    }

    private static async Task<ImmutableSortedDictionary<string, WantedApi>> NextAsync(IAsyncEnumerator<ImmutableSortedDictionary<string, WantedApi>> watch)
    {
        Assert.True(await watch.MoveNextAsync().AsTask().WithinLimit());
        return watch.Current;
    }

    private protected static string Id(int number) => $"{number:x16}-abc-def";

    private protected static DeployedSpec Spec(string name, int number) => new()
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
