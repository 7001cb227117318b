using Cortex.Queues;
using Cortex.Queues.Blobs;

namespace Cortex.Jobs.Tests.Batch.Support;

/// <summary>A store as a process sees it that may be killed: from then on no call of it does or returns anything.</summary>
internal sealed class KillableStore(IQueueStore inner) : IQueueStore
{
    private static readonly TaskCompletionSource _never = new();

    private volatile bool _killed;

    /// <summary>Each write of batches waits for this.</summary>
    public Task MayEnqueue { get; set; } = Task.CompletedTask;

    /// <summary>Called after each write that ended a lease, before the process learns of it.</summary>
    public Action OnEnded { get; set; } = () => { };

    /// <summary>Called after each write of batches, before the process learns of it.</summary>
    public Action OnEnqueued { get; set; } = () => { };

    public IBlobStore Blobs => inner.Blobs;

    public void Kill() => _killed = true;

    public MessageId NewId() => inner.NewId();

    public Task ConfigureAsync(string queue, QueueSettings settings, CancellationToken cancellationToken) => Alive(() => inner.ConfigureAsync(queue, settings, cancellationToken));

    public Task RetireAsync(string queue, CancellationToken cancellationToken) => Alive(() => inner.RetireAsync(queue, cancellationToken));

    public Task DeleteAsync(string queue, CancellationToken cancellationToken) => Alive(() => inner.DeleteAsync(queue, cancellationToken));

    public ValueTask<IReadOnlyList<string>> ListQueuesAsync(string prefix, CancellationToken cancellationToken) => Alive(() => inner.ListQueuesAsync(prefix, cancellationToken));

    public ValueTask<EnqueueResult> EnqueueAsync(NewMessage message, CancellationToken cancellationToken) => Alive(() => inner.EnqueueAsync(message, cancellationToken));

    public async Task EnqueueManyAsync(string queue, IReadOnlyList<NewMessage> messages, string? checkpoint, CancellationToken cancellationToken)
    {
        await MayEnqueue.WaitAsync(cancellationToken);
        await Alive(async () =>
        {
            await inner.EnqueueManyAsync(queue, messages, checkpoint, cancellationToken);
            OnEnqueued();
        });
    }

    public ValueTask<string?> ReadCheckpointAsync(string queue, CancellationToken cancellationToken) => Alive(() => inner.ReadCheckpointAsync(queue, cancellationToken));

    public async ValueTask<LeasedMessage?> LeaseAsync(string queue, TimeSpan visibility, TimeSpan wait, CancellationToken cancellationToken) =>
        await Alive(() => inner.LeaseAsync(queue, visibility, wait, cancellationToken));

    public ValueTask ExtendAsync(IReadOnlyList<Lease> leases, TimeSpan visibility, CancellationToken cancellationToken) => inner.ExtendAsync(leases, visibility, cancellationToken);

    public ValueTask<bool> CompleteAsync(Lease lease, Body result, CancellationToken cancellationToken) => Ended(() => inner.CompleteAsync(lease, result, cancellationToken));

    public ValueTask<bool> FailAsync(Lease lease, Attempt attempt, TimeSpan? retryAfter, Body? answer, CancellationToken cancellationToken) =>
        Ended(() => inner.FailAsync(lease, attempt, retryAfter, answer, cancellationToken));

    public ValueTask<bool> LoseAsync(Lease lease, Attempt attempt, TimeSpan delay, CancellationToken cancellationToken) => Ended(() => inner.LoseAsync(lease, attempt, delay, cancellationToken));

    public ValueTask ReleaseAsync(Lease lease, CancellationToken cancellationToken) => inner.ReleaseAsync(lease, cancellationToken);

    public ValueTask<ChangeOutcome> CancelAsync(string queue, MessageId id, CancellationToken cancellationToken) => Alive(() => inner.CancelAsync(queue, id, cancellationToken));

    public ValueTask<ChangeOutcome> RetryAsync(string queue, MessageId id, CancellationToken cancellationToken) => Alive(() => inner.RetryAsync(queue, id, cancellationToken));

    public ValueTask<MessageRecord?> GetAsync(string queue, MessageId id, CancellationToken cancellationToken) => Alive(() => inner.GetAsync(queue, id, cancellationToken));

    public ValueTask<MessageRecord?> WaitAsync(string queue, MessageId id, TimeSpan wait, CancellationToken cancellationToken) => Alive(() => inner.WaitAsync(queue, id, wait, cancellationToken));

    public ValueTask<MessagePage> ListAsync(string queue, MessageQuery query, CancellationToken cancellationToken) => Alive(() => inner.ListAsync(queue, query, cancellationToken));

    public ValueTask<QueueCounts> CountAsync(string queue, CancellationToken cancellationToken) => Alive(() => inner.CountAsync(queue, cancellationToken));

    public ValueTask<QueueTotals> TotalAsync(string queue, CancellationToken cancellationToken) => Alive(() => inner.TotalAsync(queue, cancellationToken));

    public ValueTask DisposeAsync() => inner.DisposeAsync();

    private async ValueTask<bool> Ended(Func<ValueTask<bool>> write) => await Alive(async ValueTask<bool> () =>
    {
        var taken = await write();
        OnEnded();
        return taken;
    });

    private Task<bool> Alive(Func<Task> call) => Alive(async ValueTask<bool> () =>
    {
        await call();
        return true;
    }).AsTask();

    private async ValueTask<T> Alive<T>(Func<ValueTask<T>> call)
    {
        if (_killed)
        {
            await _never.Task;
        }

        try
        {
            var answer = await call();
            if (_killed)
            {
                await _never.Task;
            }

            return answer;
        }
        catch (Exception) when (_killed)
        {
            await _never.Task;
            throw;
        }
    }
}
