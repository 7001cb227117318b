using System.Collections.Concurrent;
using Cortex.Core.Specs;
using Cortex.Core.Wire;
using Cortex.Operator.State;
using Cortex.Queues;
using Microsoft.Extensions.Logging.Abstractions;

namespace Cortex.Operator.Tests.State;

/// <summary>The database server goes away and comes back. A server of their own: others must not notice.</summary>
public sealed class PostgresRestartTests : IAsyncLifetime
{
    private readonly PostgresServer _server = new();
    private string _connectionString = "";
    private IApiStore _store = null!;

    public async ValueTask InitializeAsync()
    {
        _connectionString = await _server.NewSchemaAsync();
        _store = await OpenAsync();
        await _store.AdvanceEpochAsync(TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Theory]
    [InlineData("fast")]
    [InlineData("immediate")]
    public async Task Restart_WhileApisAreDeployed_KeepsWhatWasAcknowledgedAndGoesOn(string mode)
    {
        await using var follower = await OpenAsync();
        var acknowledged = new ConcurrentBag<string>();
        using var ends = new CancellationTokenSource();
        var refused = 0;
        var deploying = Task.Run(async () =>
        {
            for (var i = 1; !ends.IsCancellationRequested; i++)
            {
                try
                {
                    var name = $"api-{i}";
                    Assert.True(await _store.DeployAsync([Api(name, i)], CancellationToken.None), $"{name} was stored twice");
                    acknowledged.Add(name);
                }
                catch (StoreUnavailableException)
                {
                    Interlocked.Increment(ref refused);
                }
            }
        });

        for (var round = 0; round < 2; round++)
        {
            var before = acknowledged.Count;
            await Eventually.TrueAsync(() => acknowledged.Count > before + 20, "APIs are deployed");
            await _server.StopAsync(mode);
            await Eventually.TrueAsync(() => Volatile.Read(ref refused) > round, "it is refused");
            await _server.StartAsync();
        }

        var last = acknowledged.Count;
        await Eventually.TrueAsync(() => acknowledged.Count > last + 20, "APIs are deployed again");
        await ends.CancelAsync();
        await deploying.WithinLimit();

        Assert.All(acknowledged, name => Assert.True(_store.Apis.ContainsKey(name)));
        await Eventually.TrueAsync(() => follower.Apis.Count == _store.Apis.Count, "the follower has seen all");
        await using var again = await OpenAsync();
        Assert.Equal(_store.Apis.Keys, again.Apis.Keys);
    }

    [Fact]
    public async Task EveryCall_ServerStopped_IsUnavailableSoonAndWhatIsWantedIsStillKnown()
    {
        await _store.PutAsync(Api("a", 9));
        await _server.StopAsync("fast");

        await Assert.ThrowsAsync<StoreUnavailableException>(() => _store.DeployAsync([Api("b", 8)], CancellationToken.None).WithinLimit());
        await Assert.ThrowsAsync<StoreUnavailableException>(() => _store.ScaleAsync([new ReplicaChange(_store.Apis["a"], 3)], CancellationToken.None).WithinLimit());
        await Assert.ThrowsAsync<StoreUnavailableException>(() => _store.GetVersionsAsync("a", CancellationToken.None).WithinLimit());
        await Assert.ThrowsAsync<StoreUnavailableException>(() => _store.AdvanceEpochAsync(CancellationToken.None).WithinLimit());

        Assert.Equal(["a"], _store.Apis.Keys);
        await _server.StartAsync();
        await _store.PutAsync(Api("b", 8));
    }

    private async Task<IApiStore> OpenAsync() =>
        await PostgresApiStore.OpenAsync(_connectionString, 10, cluster: null, TimeProvider.System, NullLogger.Instance, TestContext.Current.CancellationToken);

    private static WantedApi Api(string name, int number) => new(
        new DeployedSpec
        {
            Name = name,
            Kind = ApiKind.TaskAPI,
            Networking = new NetworkingSpec("/" + name),
            Id = $"{number:x16}-abc-def",
            SpecId = "def",
            PodId = "pod",
            SubmittedApiSpec = System.Text.Json.JsonDocument.Parse("{}").RootElement,
        },
        0);
}
