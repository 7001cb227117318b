using System.Text;
using Cortex.Queues.Tests.Support;

namespace Cortex.Queues.Tests.Conformance;

/// <summary>What every queue store must do. One subclass per store; the facts stand in the other files of this class.</summary>
public abstract partial class QueueStoreConformance : IAsyncLifetime
{
    protected const string Queue = "async/iris";

    protected static readonly TimeSpan Visibility = TimeSpan.FromSeconds(30);
    protected static readonly TimeSpan Retention = TimeSpan.FromHours(1);

    // Bounds a wait that should end at once; a store that is right never needs it.
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    private readonly ManualTime _time = new();
    private MemoryBlobStore _blobs = null!;

    private protected ManualTime Time => _time;

    private protected MemoryBlobStore Blobs => _blobs;

    /// <summary>The store under test, with one configured queue.</summary>
    protected IQueueStore Store { get; private set; } = null!;

    /// <summary>Who opens the store.</summary>
    private ClusterIdentity? Cluster
    {
        get => Options.Cluster;
        set => Options = Options with { Cluster = value };
    }

    protected QueueStoreOptions Options { get; private set; } = new() { FairnessInterval = 4, AttemptsKept = 3, MaxWaiters = 3, SweepInterval = TimeSpan.FromSeconds(10) };

    public async ValueTask InitializeAsync()
    {
        _blobs = new MemoryBlobStore(_time);
        Store = await OpenAsync(isNew: true);
        await Store.ConfigureAsync(Queue, new QueueSettings(Retention), default);
    }

    public async ValueTask DisposeAsync()
    {
        await Store.DisposeAsync();
        await CleanUpAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>Opens the store on <see cref="Time"/> and <see cref="Blobs"/> with <see cref="Options"/>.</summary>
    /// <param name="isNew">An empty one; else the one that was disposed before.</param>
    protected abstract Task<IQueueStore> OpenAsync(bool isNew);

    /// <summary>Removes what the store left.</summary>
    protected abstract ValueTask CleanUpAsync();

    protected async Task ReopenAsync()
    {
        await Store.DisposeAsync();
        Store = await OpenAsync(isNew: false);
    }

    protected static Body Text(string text) => Body.Of(Encoding.UTF8.GetBytes(text));

    protected static string Text(Body? body) => Encoding.UTF8.GetString(body!.Value.Inline.Span);

    protected NewMessage Message(string payload = "p", int priority = 0, TimeSpan delay = default, string? key = null, string? followUp = null, string queue = Queue) => new()
    {
        Id = Store.NewId(),
        Queue = queue,
        Head = Encoding.UTF8.GetBytes("head of " + payload),
        Payload = Text(payload),
        Priority = priority,
        Delay = delay,
        IdempotencyKey = key,
        FollowUpQueue = followUp,
    };

    protected async Task<MessageId> EnqueueAsync(string payload = "p", int priority = 0, TimeSpan delay = default, string? key = null, string? followUp = null, string queue = Queue) =>
        (await Store.EnqueueAsync(Message(payload, priority, delay, key, followUp, queue), default)).Id;

    /// <summary>Leases what is available now.</summary>
    protected async Task<LeasedMessage?> TryLeaseAsync(string queue = Queue) => await Store.LeaseAsync(queue, Visibility, TimeSpan.Zero, default);

    protected async Task<LeasedMessage> LeaseAsync(string queue = Queue)
    {
        var leased = await TryLeaseAsync(queue);
        Assert.NotNull(leased);
        return leased;
    }

    protected async Task<MessageRecord> GetAsync(MessageId id, string queue = Queue)
    {
        var record = await Store.GetAsync(queue, id, default);
        Assert.NotNull(record);
        return record;
    }

    protected async Task<MessageId> CompleteNewAsync(string payload = "p", string? followUp = null)
    {
        var id = await EnqueueAsync(payload, followUp: followUp);
        Assert.True(await Store.CompleteAsync((await LeaseAsync()).Lease, Text("result of " + payload), default));
        return id;
    }

    protected async Task<MessageId> FailNewAsync(string payload = "p")
    {
        var id = await EnqueueAsync(payload);
        Assert.True(await Store.FailAsync((await LeaseAsync()).Lease, Failure(), null, null, default));
        return id;
    }

    protected Attempt Failure(string reason = "bad_status") => new()
    {
        Started = Time.GetUtcNow() - TimeSpan.FromSeconds(2),
        Ended = Time.GetUtcNow(),
        Worker = "replica-1",
        Reason = reason,
        Message = "the worker answered 500",
        StatusCode = 500,
        Answer = "oops é",
    };

    protected static async Task<T> InTimeAsync<T>(ValueTask<T> task) => await task.AsTask().WaitAsync(Deadline);

    protected static async Task<T> InTimeAsync<T>(Task<T> task) => await task.WaitAsync(Deadline);

    protected static async Task FiredAsync(CancellationToken token)
    {
        var fired = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = token.Register(fired.SetResult);
        await fired.Task.WaitAsync(Deadline, CancellationToken.None);
    }
}
