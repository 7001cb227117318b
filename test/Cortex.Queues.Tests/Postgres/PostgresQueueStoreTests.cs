using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;
using Cortex.Queues.Blobs;
using Cortex.Queues.Postgres;
using Cortex.Queues.Tests.Support;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Cortex.Queues.Tests.Postgres;

/// <summary>What only a store that several processes share has to do. Each store here stands for a process.</summary>
public sealed class PostgresQueueStoreTests(PostgresServer server) : IAsyncLifetime
{
    private const string Queue = "async/iris";
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Visibility = TimeSpan.FromMinutes(5);
    private static readonly SessionTiming Quick = new() { Poll = TimeSpan.FromMilliseconds(100), OwnerGrace = TimeSpan.FromMilliseconds(500) };

    private readonly List<PostgresQueueStore> _stores = [];
    private readonly MemoryBlobStore _blobs = new(TimeProvider.System);
    private string _connectionString = "";

    public async ValueTask InitializeAsync() => _connectionString = await server.NewSchemaAsync();

    public async ValueTask DisposeAsync()
    {
        foreach (var store in _stores)
        {
            await store.DisposeAsync();
        }
    }

    [Fact]
    public async Task OpenAsync_ManyAtOnceOnAnEmptyDatabase_OneMakesTheTables()
    {
        var stores = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => OpenAsync()));

        await stores[0].ConfigureAsync(Queue, new QueueSettings(TimeSpan.FromHours(1)), default);
        var id = await EnqueueAsync(stores[1], "p");
        Assert.Equal(id, (await LeaseAsync(stores[4])).Lease.Id);
    }

    [Fact]
    public async Task OpenAsync_TablesOfTheFormatBefore_AreBroughtUpToDate()
    {
        var before = await OpenAsync();
        await before.ConfigureAsync(Queue, new QueueSettings(TimeSpan.FromHours(1)), default);
        var waiting = await EnqueueAsync(before, "waiting");
        var keyed = (await before.EnqueueAsync(Message(before, "keyed") with { IdempotencyKey = "k" }, default)).Id;
        await before.DisposeAsync();
        await ExecuteAsync("drop table cluster; alter table format drop column steady; alter table keys drop column digest; update format set version = 1");

        var after = await OpenAsync();

        Assert.Equal("waiting", Encoding.UTF8.GetString((await after.GetAsync(Queue, waiting, default))!.Payload!.Value.Inline.Span));
        Assert.Equal(new EnqueueResult(keyed, IsNew: false), await after.EnqueueAsync(Message(after, "keyed") with { IdempotencyKey = "k", Digest = new byte[] { 1 } }, default));
        Assert.Equal(2, await ExecuteAsync("select version from format"));
    }

    [Fact]
    public async Task CountAsync_ManyQueues_IsOneStatement()
    {
        var store = await OpenAsync();
        var queues = Enumerable.Range(0, 20).Select(i => $"async/api-{i}").ToArray();
        foreach (var queue in queues)
        {
            await store.ConfigureAsync(queue, new QueueSettings(TimeSpan.FromHours(1)), default);
        }

        using var ours = new Activity("count").Start();
        var statements = 0;
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "Npgsql",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = activity => _ = activity.TraceId == ours.TraceId && activity.TagObjects.Any(tag => tag.Value is string text && text.Contains("from queues q", StringComparison.Ordinal))
                ? Interlocked.Increment(ref statements)
                : 0,
        };
        ActivitySource.AddActivityListener(listener);

        Assert.Equal(20, (await store.CountAsync(queues, default)).Count);

        Assert.Equal(1, statements);
    }

    [Fact]
    public async Task CompleteAsync_FloodOfNewMessages_IsNotRefusedWithThem()
    {
        var store = await OpenAsync(options: new QueueStoreOptions { MaxPendingOperations = 100 });
        await store.ConfigureAsync(Queue, new QueueSettings(TimeSpan.FromHours(1)), default);
        await EnqueueAsync(store, "first");
        var leased = await LeaseAsync(store);

        // Nothing can be written while somebody holds the table.
        await using var source = NpgsqlDataSource.Create(_connectionString);
        await using var connection = await source.OpenConnectionAsync(TestContext.Current.CancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(TestContext.Current.CancellationToken);
        await using (var hold = new NpgsqlCommand("lock table messages in access exclusive mode", connection))
        {
            await hold.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        }

        var submissions = new List<Task>();
        for (var isFull = false; !isFull;)
        {
            var submission = store.EnqueueAsync(Message(store, "more"), default).AsTask();
            submissions.Add(submission);
            isFull = submission.Exception?.InnerException is StoreBusyException;
        }

        var completion = store.CompleteAsync(leased.Lease, Body.Of("1"u8.ToArray()), default).AsTask();
        Assert.False(completion.IsFaulted, completion.Exception?.Message);
        await transaction.RollbackAsync(TestContext.Current.CancellationToken);
        Assert.True(await completion.WaitAsync(Limit, TestContext.Current.CancellationToken));
        await Task.WhenAny(Task.WhenAll(submissions)).WaitAsync(Limit, TestContext.Current.CancellationToken);   // some may have been refused
    }

    [Fact]
    public async Task OpenAsync_NewerFormat_IsRefused()
    {
        await (await OpenAsync()).DisposeAsync();
        await ExecuteAsync("update format set version = 1000");

        var error = await Assert.ThrowsAsync<StoreUnavailableException>(() => OpenAsync());

        Assert.Contains("newer format", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task OpenAsync_NoServer_IsUnavailable() => await Assert.ThrowsAsync<StoreUnavailableException>(() =>
        PostgresQueueStore.OpenAsync($"Host=127.0.0.1;Port={FreePort.Find()};Username=x", new QueueStoreOptions(), _blobs, TimeProvider.System, NullLogger.Instance));

    [Fact]
    public async Task LeaseAsync_TwoProcesses_ShareTheWorkWithoutDoubling()
    {
        const int Count = 2000;
        var stores = new[] { await OpenAsync(), await OpenAsync() };
        await stores[0].ConfigureAsync(Queue, new QueueSettings(TimeSpan.FromHours(1)), default);
        var done = new ConcurrentBag<(int Store, MessageId Id)>();
        var producers = stores.Select(store => Task.Run(() => Task.WhenAll(Enumerable.Range(0, Count / 2).Select(i => EnqueueAsync(store, $"{i}", i % 3)))));
        var consumers = Enumerable.Range(0, 16).Select(c => Task.Run(async () =>
        {
            while (done.Count < Count)
            {
                if (await stores[c % 2].LeaseAsync(Queue, Visibility, TimeSpan.FromMilliseconds(200), default) is { } leased)
                {
                    Assert.True(await stores[c % 2].CompleteAsync(leased.Lease, leased.Payload, default));
                    done.Add((c % 2, leased.Lease.Id));
                }
            }
        }));

        await Task.WhenAll(producers.Concat(consumers)).WaitAsync(Limit);

        Assert.Equal(Count, done.Select(d => d.Id).Distinct().Count());
        Assert.Equal(Count, done.Count);
        Assert.All([0, 1], s => Assert.Contains(done, d => d.Store == s));
        Assert.Equal(default, await stores[0].CountAsync(Queue, default));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task LeaseAsync_WorkPutInByAnotherProcess_IsFound(bool notices)
    {
        var (first, second) = await TwoAsync(Quick with { Notices = notices });
        var waiting = second.LeaseAsync(Queue, Visibility, Limit, default).AsTask();
        await Eventually.TrueAsync(async () => await first.CountAsync(Queue, default) == default, "nothing waits");

        var id = await EnqueueAsync(first, "p");

        Assert.Equal(id, (await waiting.WaitAsync(Limit))!.Lease.Id);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task WaitAsync_CompletedByAnotherProcess_IsTold(bool notices)
    {
        var (first, second) = await TwoAsync(Quick with { Notices = notices });
        var id = await EnqueueAsync(first, "p");
        var waiting = first.WaitAsync(Queue, id, Limit, default).AsTask();
        var leased = await LeaseAsync(second);
        Assert.False(waiting.IsCompleted);

        Assert.True(await second.CompleteAsync(leased.Lease, Text("r"), default));

        var record = await waiting.WaitAsync(Limit);
        Assert.Equal(MessageStatus.Completed, record!.Status);
        Assert.Equal("r", Encoding.UTF8.GetString(record.Result!.Value.Inline.Span));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task CancelAsync_HeldByAnotherProcess_IsRevokedThere(bool notices)
    {
        var (first, second) = await TwoAsync(Quick with { Notices = notices });
        var id = await EnqueueAsync(first, "p");
        var leased = await LeaseAsync(second);

        Assert.True((await first.CancelAsync(Queue, id, default)).Done);

        await FiredAsync(leased.Revoked);
        Assert.False(await second.CompleteAsync(leased.Lease, Text("r"), default));
        Assert.Equal(MessageStatus.Cancelled, (await second.GetAsync(Queue, id, default))!.Status);
    }

    [Fact]
    public async Task DeleteAsync_ByAnotherProcess_RevokesAndEndsTheLine()
    {
        var (first, second) = await TwoAsync(Quick);
        var id = await EnqueueAsync(first, "p");
        var leased = await LeaseAsync(second);
        var waiting = second.LeaseAsync(Queue, Visibility, Limit, default).AsTask();

        await first.DeleteAsync(Queue, default);

        await FiredAsync(leased.Revoked);
        Assert.Null(await waiting.WaitAsync(Limit));
        Assert.False(await second.CompleteAsync(leased.Lease, Text("r"), default));
        Assert.Null(await second.GetAsync(Queue, id, default));
        await Eventually.TrueAsync(async () => await ExecuteAsync("select count(*) from messages") is 0L && await ExecuteAsync("select count(*) from results") is 0L, "its messages are gone");
    }

    [Fact]
    public async Task EnqueueAsync_SameKeyInTwoProcesses_OneMessage()
    {
        var (first, second) = await TwoAsync(Quick);

        var results = await Task.WhenAll(Enumerable.Range(0, 40).Select(i => (i % 2 == 0 ? first : second).EnqueueAsync(Message(i % 2 == 0 ? first : second, "p") with { IdempotencyKey = "k" }, default).AsTask()));

        Assert.Single(results, r => r.IsNew);
        Assert.Single(results.Select(r => r.Id).Distinct());
        Assert.Equal(1, (await first.CountAsync(Queue, default)).Waiting);
    }

    [Fact]
    public async Task LeaseAsync_ProcessSignsOff_ItsWorkIsBackAtOnce()
    {
        var (first, second) = await TwoAsync(Quick with { OwnerGrace = TimeSpan.FromHours(1) });
        var id = await EnqueueAsync(first, "p");
        await LeaseAsync(first);
        var waiting = second.LeaseAsync(Queue, Visibility, Limit, default).AsTask();

        await first.DisposeAsync();

        Assert.Equal(id, (await waiting.WaitAsync(Limit))!.Lease.Id);
    }

    [Fact]
    public async Task LeaseAsync_ProcessDies_ItsWorkIsBackAfterTheGrace()
    {
        // A session that is never made again is what is left of a process that was killed.
        var dead = await OpenAsync(Quick with { Reconnects = false });
        await dead.ConfigureAsync(Queue, new QueueSettings(TimeSpan.FromHours(1)), default);
        var second = await OpenAsync(Quick);
        var id = await EnqueueAsync(dead, "p");
        var lost = await LeaseAsync(dead);
        Assert.Null(await second.LeaseAsync(Queue, Visibility, TimeSpan.FromMilliseconds(300), default));

        await ExecuteAsync($"select pg_terminate_backend(pid) {SessionOf(dead)}");

        var taken = await second.LeaseAsync(Queue, Visibility, Limit, default);
        Assert.Equal(id, taken!.Lease.Id);
        Assert.False(await dead.CompleteAsync(lost.Lease, Text("late"), default));
        Assert.True(await second.CompleteAsync(taken.Lease, Text("right"), default));
    }

    [Fact]
    public async Task LeaseAsync_SessionBreaksForAMoment_KeepsItsWork()
    {
        var (first, second) = await TwoAsync(Quick with { OwnerGrace = TimeSpan.FromSeconds(20) });
        await EnqueueAsync(first, "p");
        var leased = await LeaseAsync(first);

        var before = await ExecuteAsync($"select pid {SessionOf(first)}");
        await ExecuteAsync($"select pg_terminate_backend(pid) {SessionOf(first)}");
        await Eventually.TrueAsync(async () => await ExecuteAsync($"select pid {SessionOf(first)}") is int now && !now.Equals(before), "the session is made again");

        Assert.Null(await second.LeaseAsync(Queue, Visibility, TimeSpan.FromMilliseconds(500), default));
        Assert.False(leased.Revoked.IsCancellationRequested);
        Assert.True(await first.CompleteAsync(leased.Lease, Text("r"), default));
    }

    [Fact]
    public async Task Loops_TheLogThrowsAlways_LiveOnAfterEveryConnectionBroke()
    {
        var faults = new Faults();
        var store = await OpenAsync(Quick, logger: faults.On<ILoggerFactory>(NullLoggerFactory.Instance).CreateLogger("Cortex.Queues"));
        await store.ConfigureAsync(Queue, new QueueSettings(TimeSpan.FromHours(1)), default);
        var session = await ExecuteAsync($"select pid {SessionOf(store)}");
        faults.Arm(1);

        await ExecuteAsync($"select pg_terminate_backend(pid) {SessionOf(store)}");

        await Eventually.TrueAsync(async () => await ExecuteAsync($"select pid {SessionOf(store)}") is int now && !now.Equals(session), "the session is made again");
        await EnqueueAsync(store, "p");
        var leased = await LeaseAsync(store);
        var now = TimeProvider.System.GetUtcNow();
        Assert.True(await store.LoseAsync(leased.Lease, new Attempt { Started = now, Ended = now, Worker = "r", Reason = "replica_lost" }, TimeSpan.FromMilliseconds(10), default));
        Assert.True(await store.CompleteAsync((await LeaseAsync(store)).Lease, Text("r"), default));
    }

    [Fact]
    public async Task CompleteAsync_WholeSchemaReadBack_NothingIsLeftOfALease()
    {
        var (first, _) = await TwoAsync(Quick);
        await EnqueueAsync(first, "p");
        Assert.True(await first.CompleteAsync((await LeaseAsync(first)).Lease, Text("r"), default));

        foreach (var table in new[] { "messages", "payloads", "leases", "keys" })
        {
            Assert.Equal(0L, await ExecuteAsync($"select count(*) from {table}"));
        }
    }

    [Fact]
    public async Task EnqueueAsync_ValueThatTheDatabaseRefuses_DisturbsNobodyElse()
    {
        var (first, _) = await TwoAsync(Quick);
        var bad = Message(first, "p") with { IdempotencyKey = "nul\0nul" };

        var all = Enumerable.Range(0, 20).Select(i => first.EnqueueAsync(Message(first, $"{i}"), default).AsTask()).ToList();
        await Assert.ThrowsAsync<ArgumentException>(async () => await first.EnqueueAsync(bad, default));
        var results = await Task.WhenAll(all);

        Assert.All(results, r => Assert.True(r.IsNew));
        Assert.Equal(20, (await first.CountAsync(Queue, default)).Waiting);
    }

    private async Task<(PostgresQueueStore First, PostgresQueueStore Second)> TwoAsync(SessionTiming timing)
    {
        var first = await OpenAsync(timing);
        await first.ConfigureAsync(Queue, new QueueSettings(TimeSpan.FromHours(1)), default);
        return (first, await OpenAsync(timing));
    }

    private async Task<PostgresQueueStore> OpenAsync(SessionTiming? timing = null, QueueStoreOptions? options = null, ILogger? logger = null)
    {
        var store = await PostgresQueueStore.OpenAsync(_connectionString, options ?? new QueueStoreOptions(), timing ?? Quick, _blobs, TimeProvider.System, logger ?? NullLogger.Instance);
        _stores.Add(store);
        return store;
    }

    private static Body Text(string text) => Body.Of(Encoding.UTF8.GetBytes(text));

    private static NewMessage Message(PostgresQueueStore store, string payload, int priority = 0) =>
        new() { Id = store.NewId(), Queue = Queue, Payload = Text(payload), Priority = priority };

    private static async Task<MessageId> EnqueueAsync(PostgresQueueStore store, string payload, int priority = 0) =>
        (await store.EnqueueAsync(Message(store, payload, priority), default)).Id;

    private static async Task<LeasedMessage> LeaseAsync(PostgresQueueStore store)
    {
        var leased = await store.LeaseAsync(Queue, Visibility, Limit, default);
        Assert.NotNull(leased);
        return leased;
    }

    private static async Task FiredAsync(CancellationToken token)
    {
        var fired = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = token.Register(fired.SetResult);
        await fired.Task.WaitAsync(Limit, CancellationToken.None);
    }

    private static string SessionOf(PostgresQueueStore store) =>
        $"from pg_locks where locktype = 'advisory' and objid = {store.OwnerId} and classid::bigint = (hashtext('cortex queues ' || current_schema())::bigint & 4294967295)";

    private async Task<object?> ExecuteAsync(string sql)
    {
        await using var source = NpgsqlDataSource.Create(_connectionString);
        await using var command = source.CreateCommand(sql);
        return await command.ExecuteScalarAsync();
    }
}
