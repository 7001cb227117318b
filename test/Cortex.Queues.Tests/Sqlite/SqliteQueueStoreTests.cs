using System.Collections.Concurrent;
using System.Text;
using Cortex.Queues.Sqlite;
using Cortex.Queues.Sqlite.Native;
using Cortex.Queues.Sqlite.Operations;
using Cortex.Queues.Tests.Support;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;

namespace Cortex.Queues.Tests.Sqlite;

/// <summary>What is special about the store in one file.</summary>
public sealed class SqliteQueueStoreTests : IDisposable
{
    private const string Queue = "async/iris";

    private static readonly TimeSpan Visibility = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    private readonly string _directory = Directory.CreateTempSubdirectory("cortex-queues-").FullName;
    private readonly ManualTime _time = new();

    private string DatabasePath => Path.Combine(_directory, "queues.db");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task CrashImage_MidLoad_HasEverythingAcknowledgedInOneState()
    {
        var image = Path.Combine(_directory, "image.db");
        var enqueued = new ConcurrentDictionary<MessageId, bool>();
        var completed = new ConcurrentDictionary<MessageId, string>();
        MessageId[] acknowledged = [];
        KeyValuePair<MessageId, string>[] ended = [];
        await using (var store = await OpenAsync())
        {
            using var stop = new CancellationTokenSource();
            var clients = Enumerable.Range(0, 8).Select(c => Task.Run(async () =>
            {
                for (var i = 0; !stop.IsCancellationRequested; i++)
                {
                    enqueued[await EnqueueAsync(store, $"{c}-{i}")] = true;
                }
            }));
            var workers = Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
            {
                while (!stop.IsCancellationRequested)
                {
                    if (await store.LeaseAsync(Queue, Visibility, TimeSpan.Zero, default) is { } leased)
                    {
                        var result = "result of " + Encoding.UTF8.GetString(leased.Payload.Inline.Span);
                        Assert.True(await store.CompleteAsync(leased.Lease, Text(result), default));
                        completed[leased.Lease.Id] = result;
                    }
                }
            }));
            var all = clients.Concat(workers).ToArray();
            await Eventually.TrueAsync(() => completed.Count > 2000, "messages are completed");

            // Inside the writer's transaction nothing else writes, so the copy is what a power cut would leave.
            await store.WriteAsync(
                new Inside(() =>
                {
                    acknowledged = [.. enqueued.Keys];
                    ended = completed.ToArray();
                    File.Copy(DatabasePath, image);
                    File.Copy(DatabasePath + "-wal", image + "-wal");
                }),
                default);
            await stop.CancelAsync();
            await Task.WhenAll(all).WaitAsync(Deadline);
        }

        await using var after = await OpenAsync(image);
        var states = new Dictionary<MessageId, MessageStatus>();
        foreach (var id in acknowledged)
        {
            states[id] = (await after.GetAsync(Queue, id, default))!.Status;
        }

        foreach (var (id, result) in ended)
        {
            var record = await after.GetAsync(Queue, id, default);
            Assert.Equal((MessageStatus.Completed, result), (record!.Status, Encoding.UTF8.GetString(record.Result!.Value.Inline.Span)));
        }

        // Every other one is leased exactly once more.
        var leasedAgain = new HashSet<MessageId>();
        while (await after.LeaseAsync(Queue, Visibility, TimeSpan.Zero, default) is { } leased)
        {
            Assert.True(leasedAgain.Add(leased.Lease.Id));
        }

        Assert.All(states, s => Assert.Equal(s.Value == MessageStatus.Waiting, leasedAgain.Contains(s.Key)));
        Assert.True(acknowledged.Length > 2000 && ended.Length > 2000);
        Assert.Equal(0, Rows(image, "SELECT count(*) FROM results WHERE key & 0xFFFFFFFFFFF IN (SELECT sequence FROM messages)"));
    }

    [Fact]
    public async Task Open_ManyWaiting_SameOrderAndCounts()
    {
        var expected = new List<MessageId>[10];
        await using (var store = await OpenAsync())
        {
            var messages = Enumerable.Range(0, 10_000).Select(i => Message(store, $"{i}") with { Priority = i % 10 }).ToArray();
            await store.EnqueueManyAsync(Queue, messages, null, default);
            for (var priority = 0; priority < 10; priority++)
            {
                expected[priority] = [.. messages.Where(m => m.Priority == priority).Select(m => m.Id)];
            }
        }

        await using var after = await OpenAsync(options: new QueueStoreOptions { FairnessInterval = 1000 });
        Assert.Equal(10_000, (await after.CountAsync(Queue, default)).Waiting);
        for (var i = 1; i < 1000; i++)
        {
            Assert.Equal(expected[9][i - 1], (await after.LeaseAsync(Queue, Visibility, TimeSpan.Zero, default))!.Lease.Id);
        }

        Assert.Equal(expected[0][0], (await after.LeaseAsync(Queue, Visibility, TimeSpan.Zero, default))!.Lease.Id);
    }

    [Fact]
    public async Task Open_WhatWaits_IsReadFromTheIndexAlone()
    {
        await using var store = await OpenAsync();
        using var database = new Database(DatabasePath, readOnly: true);
        using var plan = database.Query("EXPLAIN QUERY PLAN " + StoreFile.SelectLive);

        Assert.True(plan.Step());
        Assert.Equal("SCAN messages USING COVERING INDEX messages_live", plan.Text(3));
    }

    [Fact]
    public async Task Open_ClockHasJumpedMeanwhile_DelayedMessagesFollowTheTimeOfDay()
    {
        await using (var store = await OpenAsync())
        {
            await store.EnqueueAsync(Message(store, "soon") with { Delay = TimeSpan.FromHours(1) }, default);
            await store.EnqueueAsync(Message(store, "late") with { Delay = TimeSpan.FromHours(3) }, default);
        }

        _time.Jump(TimeSpan.FromHours(2));

        await using var after = await OpenAsync();
        Assert.Equal((1, 1), ((await after.CountAsync(Queue, default)).Waiting, (await after.CountAsync(Queue, default)).Delayed));
        _time.Advance(TimeSpan.FromHours(1));
        Assert.Equal((2, 0), ((await after.CountAsync(Queue, default)).Waiting, (await after.CountAsync(Queue, default)).Delayed));
    }

    [Fact]
    public async Task Open_FileIsInUse_Refused()
    {
        await using var store = await OpenAsync();

        var refused = await Assert.ThrowsAsync<StoreUnavailableException>(() => OpenAsync());

        Assert.Contains("in use by another process", refused.Message, StringComparison.Ordinal);
        await EnqueueAsync(store, "still works");
    }

    [Fact]
    public async Task Open_NoDatabase_SaysHowToMend()
    {
        await File.WriteAllTextAsync(DatabasePath, string.Concat(Enumerable.Repeat("this is no database ", 1000)), TestContext.Current.CancellationToken);

        var refused = await Assert.ThrowsAsync<InvalidDataException>(() => OpenAsync());

        Assert.Contains(DatabasePath, refused.Message, StringComparison.Ordinal);
        Assert.Contains("restore the file", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Open_TornPages_SaysHowToMend()
    {
        await using (var store = await OpenAsync())
        {
            await store.EnqueueManyAsync(Queue, [.. Enumerable.Range(0, 1000).Select(i => Message(store, $"{i}"))], null, default);
        }

        await using (var file = File.OpenWrite(DatabasePath))
        {
            // All but the first page, which holds the schema.
            file.Position = 8192;
            await file.WriteAsync(Enumerable.Repeat((byte)0xA5, (int)(file.Length - 8192)).ToArray(), TestContext.Current.CancellationToken);
        }

        var refused = await Assert.ThrowsAsync<InvalidDataException>(() => OpenAsync());

        Assert.Contains("restore the file", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Open_FileOfTheVersionBefore_IsBroughtUpToDate()
    {
        MessageId waiting;
        MessageId keyed;
        await using (var store = await OpenAsync())
        {
            waiting = await EnqueueAsync(store, "waiting");
            keyed = (await store.EnqueueAsync(Message(store, "keyed") with { IdempotencyKey = "k" }, default)).Id;
        }

        Execute(DatabasePath, """
            DROP TABLE cluster; DROP TABLE answers;
            ALTER TABLE idempotency DROP COLUMN digest;
            ALTER TABLE meta DROP COLUMN steady;
            PRAGMA user_version = 1;
            """);

        await using var after = await OpenAsync(options: new QueueStoreOptions { Cluster = new ClusterIdentity("ours", "cortex") });
        Assert.Equal("waiting", Encoding.UTF8.GetString((await after.GetAsync(Queue, waiting, default))!.Payload!.Value.Inline.Span));
        Assert.Equal(new EnqueueResult(keyed, IsNew: false), await after.EnqueueAsync(Message(after, "keyed") with { IdempotencyKey = "k", Digest = new byte[] { 1 } }, default));
        Assert.Equal("ours", Text(DatabasePath, "SELECT id FROM cluster"));
        Assert.Equal(2, Rows(DatabasePath, "PRAGMA user_version"));
    }

    [Theory]
    [InlineData(50)]      // checked before the store opens
    [InlineData(4000)]    // and beside its work
    public async Task Open_BrokenPageInTheMiddle_IsFoundAndNothingMoreIsAcknowledged(int messages)
    {
        await using (var store = await OpenAsync())
        {
            await store.EnqueueManyAsync(Queue, [.. Enumerable.Range(0, messages).Select(_ => new NewMessage { Id = store.NewId(), Queue = Queue, Payload = Body.Of(new byte[3000]) })], null, default);
        }

        BreakLeaf(DatabasePath);

        await using var after = await SqliteQueueStore.OpenAsync(DatabasePath, new QueueStoreOptions(), new MemoryBlobStore(_time), _time, NullLogger.Instance);
        await Eventually.TrueAsync(() => after.Damage is not null, "the damage is seen");
        Assert.Contains("is damaged", after.Damage, StringComparison.Ordinal);
        await Assert.ThrowsAsync<StoreUnavailableException>(async () => await EnqueueAsync(after, "new"));
        await Assert.ThrowsAsync<StoreUnavailableException>(async () => await after.LeaseAsync(Queue, Visibility, TimeSpan.Zero, default));
    }

    [Fact]
    public async Task Open_WholeFile_IsNotTakenForBroken()
    {
        await using (var store = await OpenAsync())
        {
            await store.EnqueueManyAsync(Queue, [.. Enumerable.Range(0, 4000).Select(_ => new NewMessage { Id = store.NewId(), Queue = Queue, Payload = Body.Of(new byte[3000]) })], null, default);
        }

        await using var after = await OpenAsync();
        await after.Checked.WaitAsync(Deadline, TestContext.Current.CancellationToken);
        Assert.Null(after.Damage);
        await EnqueueAsync(after, "new");
    }

    [Fact]
    public async Task Open_NewerOrForeignDatabase_SaysSo()
    {
        await (await OpenAsync()).DisposeAsync();
        Execute(DatabasePath, "PRAGMA user_version = 99");
        Assert.Contains("newer version", (await Assert.ThrowsAsync<InvalidDataException>(() => OpenAsync())).Message, StringComparison.Ordinal);

        Execute(DatabasePath, "PRAGMA application_id = 1");
        Assert.Contains("not one of queues", (await Assert.ThrowsAsync<InvalidDataException>(() => OpenAsync())).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task EnqueueAsync_TooMuchWaits_BusyButResultsGoOn()
    {
        await using var store = await OpenAsync(options: new QueueStoreOptions { MaxPendingOperations = 4 });
        await EnqueueAsync(store, "p");
        var leased = (await store.LeaseAsync(Queue, Visibility, TimeSpan.Zero, default))!;
        using var go = new ManualResetEventSlim();
        using var entered = new ManualResetEventSlim();
        var blocking = store.WriteAsync(new Inside(() =>
        {
            entered.Set();
            go.Wait(Deadline);
        }), default);
        Assert.True(entered.Wait(Deadline));

        var accepted = Enumerable.Range(0, 4).Select(i => EnqueueAsync(store, $"{i}")).ToArray();
        var refused = await Assert.ThrowsAsync<StoreBusyException>(() => EnqueueAsync(store, "one too many"));
        var completing = store.CompleteAsync(leased.Lease, Text("r"), default);
        Assert.Equal(5, store.Metrics.PendingOperations);
        go.Set();

        Assert.Contains("max_pending", refused.Message, StringComparison.Ordinal);
        await blocking;
        Assert.True(await completing);
        await Task.WhenAll(accepted).WaitAsync(Deadline);
        await EnqueueAsync(store, "there is room again");
        Assert.Equal(5, (await store.CountAsync(Queue, default)).Waiting);
    }

    [Fact]
    public async Task EnqueueAsync_CallerStopsWaiting_BufferIsNotReadLater()
    {
        await using var store = await OpenAsync();
        using var go = new ManualResetEventSlim();
        var blocking = store.WriteAsync(new Inside(() => go.Wait(Deadline)), default);
        using var cancel = new CancellationTokenSource();
        var payload = "original"u8.ToArray();

        var enqueue = store.EnqueueAsync(Message(store, "") with { Payload = Body.Of(payload) }, cancel.Token).AsTask();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => enqueue);
        payload.AsSpan().Clear();
        go.Set();
        await blocking;

        var leased = await store.LeaseAsync(Queue, Visibility, TimeSpan.FromMinutes(1), default).AsTask().WaitAsync(Deadline);
        Assert.Equal("original", Encoding.UTF8.GetString(leased!.Payload.Inline.Span));
    }

    [Fact]
    public async Task EnqueueAsync_IdUsedBefore_RefusedAndOthersOfTheGroupStored()
    {
        await using var store = await OpenAsync();
        var first = Message(store, "first");
        await store.EnqueueAsync(first, default);

        var tasks = Enumerable.Range(0, 20).Select(i => store.EnqueueAsync(i == 10 ? first : Message(store, $"{i}"), default).AsTask()).ToArray();

        await Assert.ThrowsAsync<InvalidOperationException>(() => tasks[10]);
        await Task.WhenAll(tasks.Where((_, i) => i != 10)).WaitAsync(Deadline);
        Assert.Equal(20, (await store.CountAsync(Queue, default)).Waiting);
    }

    [Fact]
    public async Task EnqueueAsync_IdOfAnotherStore_Refused()
    {
        await using var store = await OpenAsync();
        var foreign = Message(store, "p") with { Id = new MessageId(1L << 50, 1) };
        await Assert.ThrowsAsync<ArgumentException>(() => store.EnqueueAsync(foreign, default).AsTask());
    }

    [Fact]
    public async Task DisposeAsync_OperationsWait_AllAreWrittenAndTheLogIsGone()
    {
        var store = await OpenAsync();
        var pending = Enumerable.Range(0, 500).Select(i => EnqueueAsync(store, $"{i}")).ToArray();
        var waiting = store.LeaseAsync("async/empty", Visibility, TimeSpan.FromHours(1), default).AsTask();

        await store.DisposeAsync();

        await Task.WhenAll(pending).WaitAsync(Deadline);
        Assert.Null(await waiting.WaitAsync(Deadline));
        Assert.False(File.Exists(DatabasePath + "-wal"));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => EnqueueAsync(store, "late"));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => store.GetAsync(Queue, store.NewId(), default).AsTask());
        Assert.Equal(500, Rows(DatabasePath, "SELECT count(*) FROM messages"));
    }

    [Fact]
    public async Task DeleteAsync_LargeQueue_RowsGoInPiecesBesideOtherWrites()
    {
        await using var store = await OpenAsync();
        await store.ConfigureAsync("large", new QueueSettings(TimeSpan.FromDays(1)), default);
        await store.EnqueueManyAsync("large", [.. Enumerable.Range(0, 5000).Select(i => Message(store, $"{i}") with { Queue = "large" })], null, default);
        var commits = store.Metrics.Commits;

        await store.DeleteAsync("large", default);
        await store.ConfigureAsync("large", new QueueSettings(TimeSpan.FromDays(1)), default);
        var kept = await store.EnqueueAsync(Message(store, "kept") with { Queue = "large" }, default);

        await Eventually.TrueAsync(() => Rows(DatabasePath, "SELECT count(*) FROM messages") == 1, "the messages are removed");
        Assert.True(store.Metrics.Commits >= commits + 10);
        await Eventually.TrueAsync(() => Rows(DatabasePath, "SELECT count(*) FROM queues WHERE deleted = 1") == 0, "the queue is removed");
        Assert.Equal(kept.Id, (await store.LeaseAsync("large", Visibility, TimeSpan.Zero, default))!.Lease.Id);
    }

    [Fact]
    public async Task DeleteAsync_CrashBeforeTheRowsAreGone_NextStartGoesOn()
    {
        var image = Path.Combine(_directory, "image.db");
        await using (var store = await OpenAsync())
        {
            await store.EnqueueManyAsync(Queue, [.. Enumerable.Range(0, 3000).Select(i => Message(store, $"{i}"))], null, default);
            await store.DeleteAsync(Queue, default);
            await store.WriteAsync(
                new Inside(() =>
                {
                    File.Copy(DatabasePath, image);
                    File.Copy(DatabasePath + "-wal", image + "-wal");
                }),
                default);
        }

        await using var after = await OpenAsync(image);
        await after.ConfigureAsync("wakes the writer", new QueueSettings(TimeSpan.FromDays(1)), default);

        await Eventually.TrueAsync(() => Rows(image, "SELECT count(*) FROM messages") == 0, "the messages are removed");
        Assert.Equal(0, (await after.CountAsync(Queue, default)).Waiting);
    }

    [Fact]
    public async Task Metrics_AfterWrites_CountThem()
    {
        await using var store = await OpenAsync();
        for (var i = 0; i < 10; i++)
        {
            await EnqueueAsync(store, $"{i}");
        }

        var metrics = store.Metrics;
        Assert.Equal(12, metrics.Operations);   // two queues were configured
        Assert.Equal(metrics.Commits, metrics.CommitBuckets.Sum());
        Assert.Equal(SqliteStoreMetrics.CommitBounds.Count + 1, metrics.CommitBuckets.Count);
        Assert.InRange(metrics.Commits, 1, 12);
        Assert.True(metrics.WalBytes > 0);
        Assert.False(metrics.IsFull);
        Assert.Equal((0, 0L, 0L), (metrics.PendingOperations, metrics.PendingBytes, metrics.FullFailures));
    }

    private async Task<SqliteQueueStore> OpenAsync(string? path = null, QueueStoreOptions? options = null)
    {
        var store = await SqliteQueueStore.OpenAsync(path ?? DatabasePath, options ?? new QueueStoreOptions(), new MemoryBlobStore(_time), _time, NullLogger.Instance);
        if (path is null)
        {
            await store.ConfigureAsync(Queue, new QueueSettings(TimeSpan.FromDays(1)), default);
            await store.ConfigureAsync("async/empty", new QueueSettings(TimeSpan.FromDays(1)), default);
        }

        return store;
    }

    private static Body Text(string text) => Body.Of(Encoding.UTF8.GetBytes(text));

    private static NewMessage Message(SqliteQueueStore store, string payload) => new() { Id = store.NewId(), Queue = Queue, Payload = Text(payload) };

    private static async Task<MessageId> EnqueueAsync(SqliteQueueStore store, string payload) => (await store.EnqueueAsync(Message(store, payload), default)).Id;

    private static long Rows(string path, string sql)
    {
        using var connection = new SqliteConnection($"Data Source={path};Mode=ReadOnly;Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return (long)command.ExecuteScalar()!;
    }

    private static string Text(string path, string sql)
    {
        using var connection = new SqliteConnection($"Data Source={path};Mode=ReadOnly;Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return (string)command.ExecuteScalar()!;
    }

    // A leaf of the messages whose head says that it has more cells than fit: what a torn write leaves.
    private static void BreakLeaf(string path)
    {
        const int Page = 8192;
        var bytes = File.ReadAllBytes(path);
        var leaf = Enumerable.Range(1, (bytes.Length / Page) - 1).Last(page => bytes[page * Page] == 0x0D && (bytes[(page * Page) + 3] << 8 | bytes[(page * Page) + 4]) is > 0 and < 10);
        bytes[(leaf * Page) + 3] = 0x7F;
        File.WriteAllBytes(path, bytes);
    }

    private static void Execute(string path, string sql)
    {
        using var connection = new SqliteConnection($"Data Source={path};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    /// <summary>Runs something inside the writer's transaction.</summary>
    private sealed class Inside(Action action) : Operation<bool>
    {
        public override void Execute(WriteContext context) => action();

        public override void Apply(WriteContext context)
        {
        }
    }
}
