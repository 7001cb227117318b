using System.Text;
using Cortex.Queues;
using Cortex.Queues.Blobs;

namespace Cortex.Jobs.Tests.Batch.Enqueuing;

/// <summary>Keeps what is enqueued in memory and fails when it is told to.</summary>
internal sealed class CrashingStore(IBlobStore blobs) : IQueueStore
{
    private long _sequence;
    private int _writes;

    /// <summary>What the store does at write number so and so, from 0 on, before and after it stores.</summary>
    public Dictionary<int, (Exception? Before, Exception? After)> Failures { get; } = [];

    public List<(string Queue, Body Payload)> Messages { get; } = [];

    public List<int> ChunkSizes { get; } = [];

    public string? Checkpoint { get; private set; }

    /// <summary>Called at each write.</summary>
    public Action<int> OnWrite { get; set; } = _ => { };

    public IBlobStore Blobs => blobs;

    public MessageId NewId() => new(Interlocked.Increment(ref _sequence), 1);

    public async Task EnqueueManyAsync(string queue, IReadOnlyList<NewMessage> messages, string? checkpoint, CancellationToken cancellationToken)
    {
        Assert.InRange(messages.Count, 1, 10_000);
        Assert.NotNull(checkpoint);
        Assert.InRange(Encoding.UTF8.GetByteCount(checkpoint), 1, 4096);
        await Task.Yield();
        cancellationToken.ThrowIfCancellationRequested();
        var (before, after) = Failures.GetValueOrDefault(_writes);
        OnWrite(_writes++);
        if (before is not null)
        {
            throw before;
        }

        Messages.AddRange(messages.Select(message => (queue, message.Payload)));
        ChunkSizes.Add(messages.Count);
        Checkpoint = checkpoint;
        if (after is not null)
        {
            throw after;
        }
    }

    public ValueTask<string?> ReadCheckpointAsync(string queue, CancellationToken cancellationToken) => ValueTask.FromResult(Checkpoint);

    public async Task<List<string>> BodiesAsync()
    {
        var bodies = new List<string>();
        foreach (var (_, payload) in Messages)
        {
            if (payload.Blob is null)
            {
                bodies.Add(Encoding.UTF8.GetString(payload.Inline.Span));
                continue;
            }

            await using var content = (await blobs.OpenAsync(payload.Blob, CancellationToken.None))!;
            using var reader = new StreamReader(content);
            bodies.Add(await reader.ReadToEndAsync());
        }

        return bodies;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    public Task ConfigureAsync(string queue, QueueSettings settings, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<IReadOnlyList<string>> ListQueuesAsync(string prefix, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task RetireAsync(string queue, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task DeleteAsync(string queue, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<EnqueueResult> EnqueueAsync(NewMessage message, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<LeasedMessage?> LeaseAsync(string queue, TimeSpan visibility, TimeSpan wait, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask ExtendAsync(IReadOnlyList<Lease> leases, TimeSpan visibility, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<bool> CompleteAsync(Lease lease, Body result, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<bool> FailAsync(Lease lease, Attempt attempt, TimeSpan? retryAfter, Body? answer, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<bool> LoseAsync(Lease lease, Attempt attempt, TimeSpan delay, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask ReleaseAsync(Lease lease, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<ChangeOutcome> CancelAsync(string queue, MessageId id, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<ChangeOutcome> RetryAsync(string queue, MessageId id, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<MessageRecord?> GetAsync(string queue, MessageId id, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<MessageRecord?> WaitAsync(string queue, MessageId id, TimeSpan wait, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<MessagePage> ListAsync(string queue, MessageQuery query, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<QueueTotals> TotalAsync(string queue, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<QueueCounts> CountAsync(string queue, CancellationToken cancellationToken) => throw new NotSupportedException();
}
