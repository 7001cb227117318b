using System.Collections.Concurrent;
using System.Text;
using Cortex.Queues.Postgres;
using Cortex.Queues.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;

namespace Cortex.Queues.Tests.Postgres;

/// <summary>The database server goes away and comes back, under load. A server of their own: others must not notice.</summary>
public sealed class ServerRestartTests : IAsyncLifetime
{
    private const string Queue = "async/iris";
    private static readonly SessionTiming Quick = new() { Poll = TimeSpan.FromMilliseconds(100) };

    private readonly PostgresServer _server = new();
    private PostgresQueueStore _store = null!;

    public async ValueTask InitializeAsync()
    {
        _store = await PostgresQueueStore.OpenAsync(
            await _server.NewSchemaAsync(), new QueueStoreOptions(), Quick, new MemoryBlobStore(TimeProvider.System), TimeProvider.System, NullLogger.Instance);
        await _store.ConfigureAsync(Queue, new QueueSettings(TimeSpan.FromHours(1)), default);
    }

    public async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Theory]
    [InlineData("fast")]
    [InlineData("immediate")]
    public async Task Restart_UnderLoad_EveryAcknowledgedMessageIsDoneOnce(string mode)
    {
        var acknowledged = new ConcurrentBag<(MessageId Id, string Payload)>();
        var refused = 0;
        using var submitting = new CancellationTokenSource();
        using var working = new CancellationTokenSource();
        var submitters = Enumerable.Range(0, 4).Select(s => Task.Run(async () =>
        {
            for (var i = 0; !submitting.IsCancellationRequested; i++)
            {
                try
                {
                    var message = new NewMessage { Id = _store.NewId(), Queue = Queue, Payload = Body.Of(Encoding.UTF8.GetBytes($"{s}-{i}")) };
                    acknowledged.Add(((await _store.EnqueueAsync(message, default)).Id, $"{s}-{i}"));
                }
                catch (StoreUnavailableException)
                {
                    Interlocked.Increment(ref refused);
                    await Task.Delay(10);
                }
            }
        })).ToList();
        var workers = Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            while (!working.IsCancellationRequested)
            {
                try
                {
                    if (await _store.LeaseAsync(Queue, TimeSpan.FromSeconds(2), TimeSpan.FromMilliseconds(100), default) is { } leased)
                    {
                        await _store.CompleteAsync(leased.Lease, leased.Payload, default);
                    }
                }
                catch (StoreUnavailableException)
                {
                    await Task.Delay(10);
                }
            }
        })).ToList();

        for (var round = 0; round < 2; round++)
        {
            var before = acknowledged.Count;
            await Eventually.TrueAsync(() => Task.FromResult(acknowledged.Count > before + 50), "messages are put in");
            await _server.StopAsync(mode);
            var refusedBefore = Volatile.Read(ref refused);
            await Eventually.TrueAsync(() => Task.FromResult(Volatile.Read(ref refused) > refusedBefore), "submitters are told");
            await _server.StartAsync();
        }

        var last = acknowledged.Count;
        await Eventually.TrueAsync(() => Task.FromResult(acknowledged.Count > last + 50), "messages are put in again");
        await submitting.CancelAsync();
        await Task.WhenAll(submitters).WaitAsync(Eventually.Limit);
        await Eventually.TrueAsync(async () => await _store.CountAsync(Queue, default) == default, "all is worked off");
        await working.CancelAsync();
        await Task.WhenAll(workers).WaitAsync(Eventually.Limit);

        foreach (var (id, payload) in acknowledged)
        {
            var record = await _store.GetAsync(Queue, id, default);
            Assert.Equal(MessageStatus.Completed, record?.Status);
            Assert.Equal(payload, Encoding.UTF8.GetString(record!.Result!.Value.Inline.Span));
        }
    }

    [Fact]
    public async Task EveryCall_ServerStopped_IsUnavailableSoonAndRecovers()
    {
        await _server.StopAsync("fast");
        var message = new NewMessage { Id = _store.NewId(), Queue = Queue };

        await Assert.ThrowsAsync<StoreUnavailableException>(async () => await _store.EnqueueAsync(message, default).AsTask().WaitAsync(Eventually.Limit));
        await Assert.ThrowsAsync<StoreUnavailableException>(async () => await _store.LeaseAsync(Queue, TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(10), default).AsTask().WaitAsync(Eventually.Limit));
        await Assert.ThrowsAsync<StoreUnavailableException>(async () => await _store.GetAsync(Queue, message.Id, default).AsTask().WaitAsync(Eventually.Limit));
        await Assert.ThrowsAsync<StoreUnavailableException>(async () => await _store.CountAsync(Queue, default).AsTask().WaitAsync(Eventually.Limit));

        await _server.StartAsync();
        Assert.True((await _store.EnqueueAsync(message with { Id = _store.NewId() }, default)).IsNew);
    }
}
