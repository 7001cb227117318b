using Cortex.Queues.Blobs;

namespace Cortex.Queues.Tests.Blobs;

/// <summary>What every blob store does.</summary>
public abstract class BlobStoreConformance : IAsyncLifetime
{
    private const int Part = 5 * 1024 * 1024;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    protected IBlobStore Store { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Store = await OpenStoreAsync();

    public virtual async ValueTask DisposeAsync()
    {
        if (Store is not null)
        {
            await Store.DisposeAsync();
        }

        GC.SuppressFinalize(this);
    }

    protected abstract Task<IBlobStore> OpenStoreAsync();

    /// <summary>Opens the same place again as a cluster's.</summary>
    protected abstract Task<IBlobStore> OpenStoreAsync(ClusterIdentity cluster);

    [Fact]
    public async Task ClaimAsync_OfAnotherCluster_IsRefusedUntilItIsAdopted()
    {
        await WriteAsync("aa/one", 100);
        await using var ours = await OpenStoreAsync(new ClusterIdentity("ours", "cortex on host-1"));
        await ours.ClaimAsync(CancellationToken.None);
        await ours.ClaimAsync(CancellationToken.None);
        await using var theirs = await OpenStoreAsync(new ClusterIdentity("theirs", "cortex on host-2"));

        var refused = await Assert.ThrowsAsync<StoreOwnedException>(() => theirs.ClaimAsync(CancellationToken.None));

        Assert.Contains("cortex on host-1", refused.Message, StringComparison.Ordinal);
        Assert.Contains("storage.adopt: ours", refused.Message, StringComparison.Ordinal);
        await using var heir = await OpenStoreAsync(new ClusterIdentity("theirs", "cortex on host-2", Adopt: "ours"));
        await heir.ClaimAsync(CancellationToken.None);
        await theirs.ClaimAsync(CancellationToken.None);
        await Assert.ThrowsAsync<StoreOwnedException>(() => ours.ClaimAsync(CancellationToken.None));
        Assert.Equal(["aa/one"], await NamesAsync());   // the mark is no blob
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(128 * 1024)]
    [InlineData(200_001)]
    [InlineData(Part)]
    [InlineData(Part + 1)]
    [InlineData((2 * Part) + 77)]
    public async Task WriteAsync_AnyLength_ReadsBackTheSame(long length)
    {
        var written = await WriteAsync("3f2a/blob/payload", length);

        Assert.Equal(length, written);
        Assert.Equal(length, await ReadAsync("3f2a/blob/payload"));
    }

    [Fact]
    public async Task WriteAsync_SameName_Replaces()
    {
        await WriteAsync("aa/one", 100);
        await Store.WriteAsync("aa/one", new MemoryStream([PatternStream.At(0)]), CancellationToken.None);

        Assert.Equal(1, await ReadAsync("aa/one"));
        Assert.Equal(["aa/one"], await NamesAsync());
    }

    [Theory]
    [InlineData(1000)]
    [InlineData(Part + 1000)]
    public async Task WriteAsync_SourceFails_ThrowsThatAndLeavesNothing(long failAt)
    {
        var failure = new InvalidDataException("the sender went away");
        var source = new PatternStream(failAt + 100_000) { EventAt = failAt, Event = _ => throw failure };

        var thrown = await Assert.ThrowsAsync<InvalidDataException>(() => Store.WriteAsync("aa/half", source, CancellationToken.None));

        Assert.Same(failure, thrown);
        Assert.Null(await Store.OpenAsync("aa/half", CancellationToken.None));
        Assert.Empty(await NamesAsync());
    }

    [Theory]
    [InlineData(1000)]
    [InlineData(Part + 1000)]
    public async Task WriteAsync_CancelledOnTheWay_LeavesNothing(long at)
    {
        using var cancel = new CancellationTokenSource();
        var reached = new TaskCompletionSource();
        var source = new PatternStream(at + 100_000)
        {
            EventAt = at,
            Event = async token =>
            {
                reached.TrySetResult();
                await Task.Delay(Timeout.Infinite, token);
            },
        };
        var writing = Store.WriteAsync("aa/half", source, cancel.Token);
        await reached.Task.WaitAsync(Limit);

        Assert.Null(await Store.OpenAsync("aa/half", CancellationToken.None));
        Assert.Empty(await NamesAsync());
        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => writing.WaitAsync(Limit));
        Assert.Null(await Store.OpenAsync("aa/half", CancellationToken.None));
        Assert.Empty(await NamesAsync());
    }

    [Fact]
    public async Task WriteAsync_ReplacementFails_KeepsTheFirst()
    {
        await WriteAsync("aa/one", 1234);
        var source = new PatternStream(5000) { EventAt = 3000, Event = _ => throw new InvalidDataException() };

        await Assert.ThrowsAsync<InvalidDataException>(() => Store.WriteAsync("aa/one", source, CancellationToken.None));

        Assert.Equal(1234, await ReadAsync("aa/one"));
    }

    [Fact]
    public async Task OpenAsync_Unknown_IsNull()
    {
        Assert.Null(await Store.OpenAsync("aa/none", CancellationToken.None));
        Assert.Null(await Store.OpenAsync("none", CancellationToken.None));
    }

    [Fact]
    public async Task OpenAsync_ReaderThatStandsStill_DisturbsNobody()
    {
        await WriteAsync("aa/large", 3 * Part);
        var slow = new List<Stream>();
        for (var i = 0; i < 20; i++)
        {
            var stream = await Store.OpenAsync("aa/large", CancellationToken.None);
            Assert.NotNull(stream);
            await stream.ReadExactlyAsync(new byte[10]);
            slow.Add(stream);
        }

        await WriteAsync("aa/other", 300_000).WaitAsync(Limit);
        Assert.Equal(300_000, await ReadAsync("aa/other").WaitAsync(Limit));
        Assert.Equal(3 * Part, await ReadAsync("aa/large").WaitAsync(Limit));

        foreach (var stream in slow)
        {
            await stream.DisposeAsync();
        }
    }

    [Fact]
    public async Task DeleteAsync_WhileRead_ReaderKeepsItOrIsTold()
    {
        await WriteAsync("aa/one", 400_000);
        await using var stream = await Store.OpenAsync("aa/one", CancellationToken.None);
        Assert.NotNull(stream);

        await Store.DeleteAsync("aa/one", CancellationToken.None);

        Assert.Null(await Store.OpenAsync("aa/one", CancellationToken.None));
        try
        {
            Assert.Equal(400_000, await PatternStream.CheckAsync(stream));
        }
        catch (StoreUnavailableException)
        {
            // Half a blob that looks whole would be wrong; this is not.
        }
    }

    [Fact]
    public async Task DeleteAsync_Unknown_IsNoError()
    {
        await Store.DeleteAsync("aa/none", CancellationToken.None);
        await Store.DeleteAsync("none", CancellationToken.None);
        Assert.Empty(await NamesAsync());
    }

    [Fact]
    public async Task ListAsync_Many_ReturnsEachOnceWithItsTime()
    {
        var id = new MessageId(77, 1234);
        string[] names = ["top", "aa/one", "aa/one/two", "ab/one-1", BlobNames.Payload(id), BlobNames.Result(new Lease(id, 5))];
        var before = DateTimeOffset.UtcNow.AddSeconds(-5);
        foreach (var name in names)
        {
            await WriteAsync(name, 10);
        }

        var found = new List<BlobInfo>();
        await foreach (var blob in Store.ListAsync(CancellationToken.None))
        {
            found.Add(blob);
        }

        Assert.Equal(names.Order(StringComparer.Ordinal), found.Select(b => b.Name).Order(StringComparer.Ordinal));
        Assert.All(found, b => Assert.InRange(b.Modified, before, DateTimeOffset.UtcNow.AddSeconds(5)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("../escape")]
    [InlineData("/root")]
    [InlineData("a//b")]
    [InlineData("a/")]
    [InlineData("Upper")]
    [InlineData("a.b")]
    public async Task EveryCall_BadName_IsRefused(string name)
    {
        await Assert.ThrowsAsync<ArgumentException>(() => Store.WriteAsync(name, Stream.Null, CancellationToken.None));
        await Assert.ThrowsAsync<ArgumentException>(() => Store.OpenAsync(name, CancellationToken.None));
        await Assert.ThrowsAsync<ArgumentException>(() => Store.DeleteAsync(name, CancellationToken.None));
    }

    [Fact]
    public async Task WriteAsync_ManyAtOnce_AllAreThere()
    {
        await Task.WhenAll(Enumerable.Range(0, 100).Select(i => WriteAsync($"{i % 7:x4}/blob-{i}", 1000 + i))).WaitAsync(TimeSpan.FromSeconds(60));

        for (var i = 0; i < 100; i++)
        {
            Assert.Equal(1000 + i, await ReadAsync($"{i % 7:x4}/blob-{i}"));
        }
    }

    private Task<long> WriteAsync(string name, long length) => Store.WriteAsync(name, new PatternStream(length), CancellationToken.None);

    private async Task<long> ReadAsync(string name)
    {
        await using var stream = await Store.OpenAsync(name, CancellationToken.None);
        Assert.NotNull(stream);
        return await PatternStream.CheckAsync(stream);
    }

    private async Task<List<string>> NamesAsync()
    {
        var names = new List<string>();
        await foreach (var blob in Store.ListAsync(CancellationToken.None))
        {
            names.Add(blob.Name);
        }

        return names;
    }
}
