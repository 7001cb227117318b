using Cortex.Queues;
using Cortex.Queues.Blobs;

namespace Cortex.Async.Tests.Support;

/// <summary>A store in memory that keeps the contract as far as the tests ask, and fails when they say so. Leases do not expire.</summary>
internal sealed class MemoryQueueStore(TimeProvider time) : IQueueStore
{
    private readonly Lock _lock = new();
    private readonly Dictionary<MessageId, Entry> _entries = [];
    private readonly HashSet<string> _queues = new(StringComparer.Ordinal);
    private TaskCompletionSource _changed = NewSignal();
    private long _sequence;
    private long _token;

    public MemoryBlobStore MemoryBlobs { get; } = new();

    public IBlobStore Blobs => MemoryBlobs;

    /// <summary>Callers that wait for a message to become final.</summary>
    public int Waiters;

    /// <summary>Thrown by every call that writes, when set.</summary>
    public Exception? Trouble { get; set; }

    /// <summary>Writing calls that failed with <see cref="Trouble"/>.</summary>
    public int Refused;

    /// <summary>Every message that was put in, in order.</summary>
    public List<NewMessage> Enqueued { get; } = [];

    public MessageId NewId() => new(Interlocked.Increment(ref _sequence), Random.Shared.NextInt64(MessageId.MaxSecret));

    public Task ConfigureAsync(string queue, QueueSettings settings, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            _queues.Add(queue);
        }

        return Task.CompletedTask;
    }

    public async ValueTask<EnqueueResult> EnqueueAsync(NewMessage message, CancellationToken cancellationToken)
    {
        // The caller's memory stays his.
        message = message with { Head = message.Head.ToArray(), Payload = message.Payload.Blob is null ? Body.Of(message.Payload.Inline.ToArray()) : message.Payload };
        await Task.Yield();
        return Change(() =>
        {
            if (!_queues.Contains(message.Queue) || (message.FollowUpQueue is { } other && !_queues.Contains(other)))
            {
                throw new InvalidOperationException($"queue {message.Queue} was never configured");
            }

            var earlier = message.IdempotencyKey is null
                ? null
                : _entries.Values.FirstOrDefault(entry => entry.Message.Queue == message.Queue && entry.Message.IdempotencyKey == message.IdempotencyKey);
            if (earlier is not null)
            {
                return new EnqueueResult(earlier.Message.Id, false, !earlier.Message.Digest.Span.SequenceEqual(message.Digest.Span));
            }

            Add(message);
            return new EnqueueResult(message.Id, true);
        });
    }

    public async ValueTask<LeasedMessage?> LeaseAsync(string queue, TimeSpan visibility, TimeSpan wait, CancellationToken cancellationToken)
    {
        await Task.Yield();
        var end = time.GetUtcNow() + wait;
        while (true)
        {
            Task changed;
            DateTimeOffset next;
            lock (_lock)
            {
                var now = time.GetUtcNow();
                var waiting = _entries.Values.Where(entry => entry.Message.Queue == queue && entry.Status == MessageStatus.Waiting).ToArray();
                if (waiting.Where(entry => entry.NotBefore <= now).MinBy(entry => (-entry.Message.Priority, entry.Message.Id.Sequence)) is { } found)
                {
                    found.Status = MessageStatus.Leased;
                    found.Lease = new Lease(found.Message.Id, ++_token);
                    found.Revoked = new CancellationTokenSource();
                    return new LeasedMessage
                    {
                        Lease = found.Lease,
                        Head = found.Message.Head,
                        Payload = found.Message.Payload,
                        Priority = found.Message.Priority,
                        EnqueuedAt = found.Created,
                        FailedAttempts = found.Failed,
                        LostAttempts = found.Lost,
                        Revoked = found.Revoked.Token,
                    };
                }

                if (now >= end)
                {
                    return null;
                }

                next = waiting.Select(entry => entry.NotBefore).Append(end).Min();
                changed = _changed.Task;
            }

            var pause = next - time.GetUtcNow();
            using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            await Task.WhenAny(changed, Task.Delay(pause > TimeSpan.Zero ? pause : TimeSpan.Zero, time, ended.Token));
            await ended.CancelAsync();
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    public async ValueTask<bool> CompleteAsync(Lease lease, Body result, CancellationToken cancellationToken)
    {
        await Task.Yield();
        return Change(() => End(lease, entry =>
        {
            entry.Result = result;
            Finish(entry, MessageStatus.Completed);
        }));
    }

    public async ValueTask<bool> FailAsync(Lease lease, Attempt attempt, TimeSpan? retryAfter, Body? answer, CancellationToken cancellationToken)
    {
        await Task.Yield();
        return Change(() => End(lease, entry =>
        {
            entry.Attempts.Add(attempt);
            entry.Failed++;
            if (retryAfter is { } pause)
            {
                entry.Status = MessageStatus.Waiting;
                entry.NotBefore = time.GetUtcNow() + pause;
            }
            else
            {
                entry.Answer = answer;
                Finish(entry, MessageStatus.Failed);
            }
        }));
    }

    public async ValueTask ReleaseAsync(Lease lease, CancellationToken cancellationToken)
    {
        await Task.Yield();
        Change(() => End(lease, static entry => entry.Status = MessageStatus.Waiting));
    }

    public async ValueTask<ChangeOutcome> CancelAsync(string queue, MessageId id, CancellationToken cancellationToken)
    {
        await Task.Yield();
        return Change(() =>
        {
            if (Find(queue, id) is not { } entry)
            {
                return default;
            }

            if (entry.Finished is not null)
            {
                return new ChangeOutcome(false, entry.Status);
            }

            Finish(entry, MessageStatus.Cancelled);
            entry.Revoked?.Cancel();
            return new ChangeOutcome(true, entry.Status);
        });
    }

    public async ValueTask<ChangeOutcome> RetryAsync(string queue, MessageId id, CancellationToken cancellationToken)
    {
        await Task.Yield();
        return Change(() =>
        {
            if (Find(queue, id) is not { } entry)
            {
                return default;
            }

            if (entry.Status is not (MessageStatus.Failed or MessageStatus.Cancelled))
            {
                return new ChangeOutcome(false, entry.Status);
            }

            entry.Status = MessageStatus.Waiting;
            entry.Finished = null;
            entry.Failed = 0;
            return new ChangeOutcome(true, entry.Status);
        });
    }

    public async ValueTask<MessageRecord?> GetAsync(string queue, MessageId id, CancellationToken cancellationToken)
    {
        await Task.Yield();
        return Read(queue, id);
    }

    public async ValueTask<MessageRecord?> WaitAsync(string queue, MessageId id, TimeSpan wait, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref Waiters);
        try
        {
            var end = Task.Delay(wait, time, cancellationToken);
            while (true)
            {
                Task changed;
                lock (_lock)
                {
                    changed = _changed.Task;
                }

                var record = Read(queue, id);
                if (record is null or { FinishedAt: not null } || end.IsCompletedSuccessfully)
                {
                    return record;
                }

                await Task.WhenAny(changed, end);
                cancellationToken.ThrowIfCancellationRequested();
            }
        }
        finally
        {
            Interlocked.Decrement(ref Waiters);
        }
    }

    public async ValueTask<MessagePage> ListAsync(string queue, MessageQuery query, CancellationToken cancellationToken)
    {
        await Task.Yield();
        lock (_lock)
        {
            var all = _entries.Values
                .Where(entry => entry.Message.Queue == queue && (query.Status is null || entry.Status == query.Status))
                .Where(entry => query.Cursor is null || entry.Message.Id.Sequence < query.Cursor)
                .OrderByDescending(static entry => entry.Message.Id.Sequence).ToArray();
            var page = all.Take(query.Limit).Select(entry => Read(queue, entry.Message.Id)!).ToArray();
            return new MessagePage(page, all.Length > page.Length ? page[^1].Id.Sequence : null);
        }
    }

    public ValueTask<IReadOnlyList<string>> ListQueuesAsync(string prefix, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task RetireAsync(string queue, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task DeleteAsync(string queue, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task EnqueueManyAsync(string queue, IReadOnlyList<NewMessage> messages, string? checkpoint, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<string?> ReadCheckpointAsync(string queue, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask ExtendAsync(IReadOnlyList<Lease> leases, TimeSpan visibility, CancellationToken cancellationToken) => throw new NotSupportedException();

    public async ValueTask<bool> LoseAsync(Lease lease, Attempt attempt, TimeSpan delay, CancellationToken cancellationToken)
    {
        await Task.Yield();
        return Change(() => End(lease, entry =>
        {
            entry.Attempts.Add(attempt);
            entry.Lost++;
            entry.Status = MessageStatus.Waiting;
            entry.NotBefore = time.GetUtcNow() + delay;
        }));
    }

    public ValueTask<QueueCounts> CountAsync(string queue, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<QueueTotals> TotalAsync(string queue, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private T Change<T>(Func<T> change)
    {
        if (Trouble is { } trouble)
        {
            Interlocked.Increment(ref Refused);
            throw trouble;
        }

        TaskCompletionSource changed;
        T result;
        lock (_lock)
        {
            result = change();
            changed = _changed;
            _changed = NewSignal();
        }

        changed.SetResult();
        return result;
    }

    private void Add(NewMessage message)
    {
        Enqueued.Add(message);
        _entries.Add(message.Id, new Entry(message) { Created = time.GetUtcNow(), NotBefore = time.GetUtcNow() + message.Delay });
    }

    private bool End(Lease lease, Action<Entry> end)
    {
        if (!_entries.TryGetValue(lease.Id, out var entry) || entry.Status != MessageStatus.Leased || entry.Lease != lease)
        {
            return false;
        }

        end(entry);
        return true;
    }

    private void Finish(Entry entry, MessageStatus status)
    {
        entry.Status = status;
        entry.Finished = time.GetUtcNow();
        if (entry.Message.FollowUpQueue is { } queue)
        {
            var id = NewId();
            entry.FollowUp = id;
            Add(new NewMessage
            {
                Id = id,
                Queue = queue,
                Head = entry.Message.Head,
                Payload = Body.Of(System.Text.Encoding.ASCII.GetBytes(entry.Message.Id.ToString())),
            });
        }
    }

    private Entry? Find(string queue, MessageId id) => _entries.TryGetValue(id, out var entry) && entry.Message.Queue == queue ? entry : null;

    private MessageRecord? Read(string queue, MessageId id)
    {
        lock (_lock)
        {
            return Find(queue, id) is not { } entry ? null : new MessageRecord
            {
                Id = id,
                Status = entry.Status,
                Priority = entry.Message.Priority,
                EnqueuedAt = entry.Created,
                NotBefore = entry.Status == MessageStatus.Waiting && entry.NotBefore > time.GetUtcNow() ? entry.NotBefore : null,
                FinishedAt = entry.Finished,
                Result = entry.Status == MessageStatus.Completed ? entry.Result : null,
                Answer = entry.Status == MessageStatus.Failed ? entry.Answer : null,
                Head = entry.Status == MessageStatus.Completed ? default : entry.Message.Head,
                Payload = entry.Status == MessageStatus.Completed ? null : entry.Message.Payload,
                FailedAttempts = entry.Failed,
                Attempts = [.. entry.Attempts],
                FollowUp = entry.FollowUp,
            };
        }
    }

    private sealed class Entry(NewMessage message)
    {
        public NewMessage Message { get; } = message;

        public MessageStatus Status { get; set; }

        public DateTimeOffset Created { get; init; }

        public DateTimeOffset NotBefore { get; set; }

        public DateTimeOffset? Finished { get; set; }

        public Lease Lease { get; set; }

        public CancellationTokenSource? Revoked { get; set; }

        public int Failed { get; set; }

        public int Lost { get; set; }

        public List<Attempt> Attempts { get; } = [];

        public Body Result { get; set; }

        public Body? Answer { get; set; }

        public MessageId? FollowUp { get; set; }
    }
}
