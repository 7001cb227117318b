using Cortex.Queues.Blobs;

namespace Cortex.Queues.Tests.Blobs;

public sealed class S3BlobStoreTests(S3Server server) : BlobStoreConformance
{
    private S3BlobOptions? _options;

    protected override async Task<IBlobStore> OpenStoreAsync() => new S3BlobStore(_options ??= await server.OptionsAsync(), TimeProvider.System);

    protected override Task<IBlobStore> OpenStoreAsync(ClusterIdentity cluster) =>
        Task.FromResult<IBlobStore>(new S3BlobStore(_options! with { Cluster = cluster }, TimeProvider.System));

    [Fact]
    public async Task WriteAndDelete_BucketOfAnotherCluster_AreRefused()
    {
        var options = await server.OptionsAsync();
        await using var ours = new S3BlobStore(options with { Cluster = new ClusterIdentity("ours", "one") }, TimeProvider.System);
        await ours.WriteAsync("aa/one", new PatternStream(10), CancellationToken.None);   // claims by itself
        await using var theirs = new S3BlobStore(options with { Cluster = new ClusterIdentity("theirs", "two") }, TimeProvider.System);

        await Assert.ThrowsAsync<StoreOwnedException>(() => theirs.WriteAsync("aa/one", new PatternStream(20), CancellationToken.None));
        await Assert.ThrowsAsync<StoreOwnedException>(() => theirs.DeleteAsync("aa/one", CancellationToken.None));

        await using var kept = await ours.OpenAsync("aa/one", CancellationToken.None);
        Assert.Equal(10, await PatternStream.CheckAsync(kept!));
    }

    [Fact]
    public async Task WriteAsync_BlobBeyondAHundredMebibytes_HoldsOnePartAtATime()
    {
        const long Length = 120L << 20;
        var options = await server.OptionsAsync() with { ScratchFolder = Directory.CreateTempSubdirectory("cortex-scratch-").FullName };
        await using var store = new S3BlobStore(options, TimeProvider.System);
        var largest = 0L;
        var source = new PatternStream(Length)
        {
            EventAt = Length - (30 << 20),
            Event = _ =>
            {
                largest = Math.Max(largest, new DirectoryInfo(options.ScratchFolder).EnumerateFiles().Sum(file => file.Length));
                return Task.CompletedTask;
            },
        };

        Assert.Equal(Length, await store.WriteAsync("aa/large", source, CancellationToken.None));

        Assert.InRange(largest, 1, options.PartBytes);
        await using var read = await store.OpenAsync("aa/large", CancellationToken.None);
        Assert.Equal(Length, await PatternStream.CheckAsync(read!));
        Directory.Delete(options.ScratchFolder);
    }

    [Fact]
    public async Task WriteAsync_SourceFailsBehindTheFirstPart_LeavesNoUploadAndNoScratch()
    {
        var options = await server.OptionsAsync() with { ScratchFolder = Directory.CreateTempSubdirectory("cortex-scratch-").FullName };
        await using var store = new S3BlobStore(options, TimeProvider.System);
        var source = new PatternStream(20_000_000) { EventAt = 6_000_000, Event = _ => throw new InvalidDataException() };

        await Assert.ThrowsAsync<InvalidDataException>(() => store.WriteAsync("aa/half", source, CancellationToken.None));

        Assert.Empty(Directory.EnumerateFiles(options.ScratchFolder));
        Assert.Null(await store.OpenAsync("aa/half", CancellationToken.None));
        Directory.Delete(options.ScratchFolder);
    }

    [Fact]
    public async Task ListAsync_OtherPrefixes_AreNotSeen()
    {
        var options = await server.OptionsAsync();
        await using var mine = new S3BlobStore(options, TimeProvider.System);
        await using var other = new S3BlobStore(options with { Prefix = "other-" + options.Prefix }, TimeProvider.System);
        await mine.WriteAsync("aa/one", new PatternStream(10), CancellationToken.None);

        await foreach (var blob in other.ListAsync(CancellationToken.None))
        {
            Assert.Fail($"sees {blob.Name}");
        }

        Assert.Null(await other.OpenAsync("aa/one", CancellationToken.None));
    }

    [Fact]
    public async Task EveryCall_NoServer_IsUnavailable()
    {
        var options = await server.OptionsAsync() with { Endpoint = new Uri($"http://127.0.0.1:{FreePort.Find()}") };
        await using var store = new S3BlobStore(options, TimeProvider.System);

        await Assert.ThrowsAsync<StoreUnavailableException>(() => store.WriteAsync("aa/one", new PatternStream(10), CancellationToken.None));
        await Assert.ThrowsAsync<StoreUnavailableException>(() => store.OpenAsync("aa/one", CancellationToken.None));
        await Assert.ThrowsAsync<StoreUnavailableException>(() => store.DeleteAsync("aa/one", CancellationToken.None));
    }

    [Fact]
    public async Task EveryCall_NoBucketOrWrongKey_IsUnavailable()
    {
        var options = await server.OptionsAsync();
        await using var noBucket = new S3BlobStore(options with { Bucket = "no-such-bucket" }, TimeProvider.System);
        await using var wrongKey = new S3BlobStore(options with { AccessKey = "NOBODY" }, TimeProvider.System);

        await Assert.ThrowsAsync<StoreUnavailableException>(() => noBucket.WriteAsync("aa/one", new PatternStream(10), CancellationToken.None));
        await Assert.ThrowsAsync<StoreUnavailableException>(() => wrongKey.WriteAsync("aa/one", new PatternStream(10), CancellationToken.None));
        await Assert.ThrowsAsync<StoreUnavailableException>(() => wrongKey.OpenAsync("aa/one", CancellationToken.None));
    }

    [Fact]
    public void Constructor_PartTooSmallOrHalfAKeyPair_IsRefused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new S3BlobStore(new S3BlobOptions { Bucket = "b", PartBytes = 1 << 20 }, TimeProvider.System));
        Assert.Throws<ArgumentException>(() => new S3BlobStore(new S3BlobOptions { Bucket = "b", AccessKey = "a" }, TimeProvider.System));
    }
}
