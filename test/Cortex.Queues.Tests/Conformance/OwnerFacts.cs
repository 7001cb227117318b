namespace Cortex.Queues.Tests.Conformance;

public abstract partial class QueueStoreConformance
{
    private static readonly ClusterIdentity Ours = new("ours", "cortex on host-1");
    private static readonly ClusterIdentity Theirs = new("theirs", "cortex on host-2");

    [Fact]
    public async Task Open_OfAnotherCluster_IsRefusedWithWhatToDoAndChangesNothing()
    {
        Cluster = Ours;
        await ReopenAsync();
        var id = await EnqueueAsync("kept");
        await Store.DisposeAsync();

        Cluster = Theirs;
        var refused = await Assert.ThrowsAsync<StoreOwnedException>(() => OpenAsync(isNew: false));

        Assert.Contains("cortex on host-1", refused.Message, StringComparison.Ordinal);
        Assert.Contains("storage.adopt: ours", refused.Message, StringComparison.Ordinal);
        Cluster = Ours;
        Store = await OpenAsync(isNew: false);
        Assert.Equal("kept", Text((await GetAsync(id)).Payload));
    }

    [Fact]
    public async Task Open_ClusterThatLostItsDataFolder_TakesOverWhatItNames()
    {
        Cluster = Ours;
        await ReopenAsync();
        var id = await EnqueueAsync("kept");

        Cluster = Theirs with { Adopt = "ours" };
        await ReopenAsync();
        Assert.Equal("kept", Text((await GetAsync(id)).Payload));
        await ReopenAsync();   // the setting may stay

        Cluster = Ours;
        await Store.DisposeAsync();
        await Assert.ThrowsAsync<StoreOwnedException>(() => OpenAsync(isNew: false));
        Cluster = Theirs;
        Store = await OpenAsync(isNew: false);
    }

    [Fact]
    public async Task Restart_ClockWasSetBackAnHour_ADelayIsNoLonger()
    {
        await EnqueueAsync("soon", delay: TimeSpan.FromSeconds(10));
        Time.Advance(TimeSpan.FromSeconds(1));
        Time.Jump(-TimeSpan.FromHours(1));

        await ReopenAsync();

        Assert.Null(await TryLeaseAsync());
        Time.Advance(TimeSpan.FromMinutes(2));
        await Eventually.TrueAsync(async () => await TryLeaseAsync() is not null, "it is due");
    }
}
