using System.Diagnostics;
using Cortex.Queues.Blobs;

namespace Cortex.Queues.Tests.Blobs;

public sealed class FolderBlobStoreTests : BlobStoreConformance
{
    private readonly string _folder = Directory.CreateTempSubdirectory("cortex-blobs-").FullName;

    private string Unfinished => Path.Combine(_folder, ".unfinished");

    protected override Task<IBlobStore> OpenStoreAsync() => Task.FromResult<IBlobStore>(new FolderBlobStore(_folder));

    protected override Task<IBlobStore> OpenStoreAsync(ClusterIdentity cluster) => Task.FromResult<IBlobStore>(new FolderBlobStore(_folder, new FolderBlobOptions { Cluster = cluster }));

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Constructor_HalfWrittenFiles_RemovesThoseOfTheDeadOnly()
    {
        var left = Path.Combine(Unfinished, "left-behind");
        await File.WriteAllTextAsync(left, "half");
        var goOn = new TaskCompletionSource();
        var reached = new TaskCompletionSource();
        var source = new PatternStream(2000)
        {
            EventAt = 1,
            Event = _ =>
            {
                reached.TrySetResult();
                return goOn.Task;
            },
        };
        var writing = Store.WriteAsync("aa/slow", source, CancellationToken.None);
        await reached.Task;

        await using var second = new FolderBlobStore(_folder);

        Assert.False(File.Exists(left));
        goOn.SetResult();
        Assert.Equal(2000, await writing);
        await using var read = await second.OpenAsync("aa/slow", CancellationToken.None);
        Assert.NotNull(read);
        Assert.Equal(2000, await PatternStream.CheckAsync(read));
    }

    [Fact]
    public async Task WriteAsync_DiskFull_SaysSoAndRecovers()
    {
        var mount = Path.Combine(_folder, "small");
        Directory.CreateDirectory(mount);
        Assert.SkipUnless(Run("mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", mount) == 0, "needs the right to mount a small file system");
        try
        {
            await using var store = new FolderBlobStore(mount);
            await store.WriteAsync("aa/first", new PatternStream(1_500_000), CancellationToken.None);

            await Assert.ThrowsAsync<StoreFullException>(() => store.WriteAsync("aa/second", new PatternStream(1_500_000), CancellationToken.None));

            Assert.Empty(Directory.EnumerateFiles(Path.Combine(mount, ".unfinished")));
            await store.DeleteAsync("aa/first", CancellationToken.None);
            Assert.Equal(1_500_000, await store.WriteAsync("aa/second", new PatternStream(1_500_000), CancellationToken.None));
        }
        finally
        {
            Assert.Equal(0, Run("umount", mount));
        }
    }

    [Fact]
    public async Task WriteAsync_DiskNearlyFull_LeavesTheReserveAndResultsMoreRoomThanPayloads()
    {
        const long Reserve = 8 << 20;
        var mount = Path.Combine(_folder, "small");
        Directory.CreateDirectory(mount);
        Assert.SkipUnless(Run("mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", mount) == 0, "needs the right to mount a small file system");
        try
        {
            await using var store = new FolderBlobStore(mount, new FolderBlobOptions { DiskReserve = Reserve });
            var goOn = new TaskCompletionSource();

            // Each wants half of what the one before left, gets it, and then is silent.
            var uploads = new List<Task<long>>();
            using var left = new CancellationTokenSource();
            for (var size = 24 << 20; uploads.Count < 7; size /= 2)
            {
                var source = new PatternStream(size) { EventAt = size / 2, Event = _ => goOn.Task.WaitAsync(left.Token) };
                uploads.Add(Task.Run(() => store.WriteAsync($"aa/{uploads.Count}/payload", source, CancellationToken.None)));
                await WaitAsync(() => Free(mount) >= Reserve);
            }

            Assert.True(Free(mount) >= Reserve, $"{Free(mount)} bytes are free");
            await Assert.ThrowsAsync<StoreFullException>(() => store.WriteAsync("bb/payload", new PatternStream(30 << 20), CancellationToken.None));
            await WaitAsync(() => Directory.EnumerateFiles(Path.Combine(mount, ".unfinished")).Count() <= 7);

            // Those who have gone leave nothing.
            await left.CancelAsync();
            foreach (var upload in uploads)
            {
                await Assert.ThrowsAnyAsync<Exception>(() => upload);
            }

            Assert.Empty(Directory.EnumerateFiles(Path.Combine(mount, ".unfinished")));
            Assert.True(Free(mount) > 31 << 20, $"{Free(mount)} bytes are free");

            var id = new MessageId(1, 1);
            await store.WriteAsync(BlobNames.Payload(id), new PatternStream(22 << 20), CancellationToken.None);
            await Assert.ThrowsAsync<StoreFullException>(() => store.WriteAsync("bb/payload", new PatternStream(3 << 20), CancellationToken.None));
            Assert.Equal(3 << 20, await store.WriteAsync(BlobNames.Result(new Lease(id, 1)), new PatternStream(3 << 20), CancellationToken.None));
            Assert.True(Free(mount) >= Reserve / 2, $"{Free(mount)} bytes are free");
        }
        finally
        {
            Assert.Equal(0, Run("umount", mount));
        }
    }

    private static long Free(string path) => new DriveInfo(path).AvailableFreeSpace;

    private static async Task WaitAsync(Func<bool> condition) => await Eventually.TrueAsync(() => Task.FromResult(condition()), "it comes true");

    [Fact]
    public async Task WriteAsync_FolderUnwritable_IsUnavailable()
    {
        Directory.Delete(Unfinished);

        await Assert.ThrowsAsync<StoreUnavailableException>(() => Store.WriteAsync("aa/one", new PatternStream(10), CancellationToken.None));

        Directory.CreateDirectory(Unfinished);
        Assert.Equal(10, await Store.WriteAsync("aa/one", new PatternStream(10), CancellationToken.None));
    }

    private static int Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        process.WaitForExit();
        return process.ExitCode;
    }
}
