using System.Diagnostics;
using System.Text;
using Cortex.Queues.Sqlite;
using Cortex.Queues.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;

namespace Cortex.Queues.Tests.Sqlite;

/// <summary>A real file system that is really full.</summary>
public sealed class DiskFullTests : IDisposable
{
    private const string Queue = "async/iris";
    private const int MiB = 1024 * 1024;

    private static readonly TimeSpan Visibility = TimeSpan.FromMinutes(10);

    private readonly string _directory = Directory.CreateTempSubdirectory("cortex-full-").FullName;
    private readonly ManualTime _time = new();
    private bool _mounted;

    public void Dispose()
    {
        if (_mounted)
        {
            Run("umount", _directory);
        }

        Directory.Delete(_directory);
    }

    [Fact]
    public async Task DiskFull_UnderLoad_RefusesClearlyLosesNothingAndRecovers()
    {
        _mounted = Run("mount", "-t", "tmpfs", "-o", "size=96m", "tmpfs", _directory) == 0;
        Assert.SkipUnless(_mounted, "Mounting a small file system needs root.");
        var filler = Path.Combine(_directory, "filler");
        await File.WriteAllBytesAsync(filler, new byte[48 * MiB], TestContext.Current.CancellationToken);
        var path = Path.Combine(_directory, "queues.db");
        var acknowledged = new List<MessageId>();
        var completed = new List<MessageId>();

        await using (var store = await OpenAsync(path))
        {
            // Full by many clients at once: some of a group are refused, none of them is half there.
            var clients = Enumerable.Range(0, 8).Select(_ => Task.Run(() => FillAsync(store))).ToArray();
            foreach (var ids in await Task.WhenAll(clients).WaitAsync(TimeSpan.FromMinutes(2), TestContext.Current.CancellationToken))
            {
                acknowledged.AddRange(ids);
            }

            Assert.NotEmpty(acknowledged);
            Assert.True(store.Metrics.IsFull);
            Assert.True(store.Metrics.FullFailures > 0);
            Assert.Equal(acknowledged.Count, (await store.CountAsync(Queue, default)).Waiting);
            await Assert.ThrowsAsync<StoreFullException>(() => EnqueueAsync(store));

            // What is in work goes on: its room was kept back.
            for (var i = 0; i < 200; i++)
            {
                var leased = (await store.LeaseAsync(Queue, Visibility, TimeSpan.Zero, default))!;
                Assert.True(await store.CompleteAsync(leased.Lease, Body.Of(Encoding.UTF8.GetBytes($"{leased.Lease.Id}")), default));
                completed.Add(leased.Lease.Id);
            }

            await Assert.ThrowsAsync<StoreFullException>(() => EnqueueAsync(store));

            File.Delete(filler);
            for (var i = 0; i < 20; i++)
            {
                acknowledged.Add(await EnqueueAsync(store));
            }

            Assert.False(store.Metrics.IsFull);
        }

        await using var after = await OpenAsync(path);
        Assert.Equal(acknowledged.Count - completed.Count, (await after.CountAsync(Queue, default)).Waiting);
        foreach (var id in acknowledged)
        {
            var record = await after.GetAsync(Queue, id, default);
            Assert.Equal(completed.Contains(id) ? MessageStatus.Completed : MessageStatus.Waiting, record!.Status);
            if (record.Status == MessageStatus.Completed)
            {
                Assert.Equal($"{id}", Encoding.UTF8.GetString(record.Result!.Value.Inline.Span));
            }
        }
    }

    [Fact]
    public async Task DiskFull_AtTheStart_SaysSo()
    {
        _mounted = Run("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", _directory) == 0;
        Assert.SkipUnless(_mounted, "Mounting a small file system needs root.");

        var refused = await Assert.ThrowsAsync<StoreFullException>(() => OpenAsync(Path.Combine(_directory, "queues.db")));

        Assert.Contains("make room", refused.Message, StringComparison.Ordinal);
    }

    private async Task<SqliteQueueStore> OpenAsync(string path)
    {
        var store = await SqliteQueueStore.OpenAsync(path, new QueueStoreOptions(), new MemoryBlobStore(_time), _time, NullLogger.Instance);
        await store.ConfigureAsync(Queue, new QueueSettings(TimeSpan.FromDays(1)), default);
        return store;
    }

    private static async Task<List<MessageId>> FillAsync(SqliteQueueStore store)
    {
        var ids = new List<MessageId>();
        while (true)
        {
            try
            {
                ids.Add(await EnqueueAsync(store));
            }
            catch (StoreFullException)
            {
                return ids;
            }
        }
    }

    private static async Task<MessageId> EnqueueAsync(SqliteQueueStore store)
    {
        var message = new NewMessage { Id = store.NewId(), Queue = Queue, Payload = Body.Of(new byte[40_000]) };
        return (await store.EnqueueAsync(message, default)).Id;
    }

    private static int Run(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
            process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return -1;
        }
    }
}
