using Cortex.Queues;
using Cortex.Queues.Blobs;

namespace Cortex.Async.Tests.Dispatch.Support;

/// <summary>Queues in memory: what the contract says, without durability, and with troubles that a test asks for.</summary>
internal sealed class MemoryStore(TimeProvider time) : IQueueStore
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Queue> _queues = [];
    private long _sequence;
    private long _token;

    /// <summary>Called with the name of each writing call; what it throws, the call throws, before it did anything.</summary>
    public Action<string>? Trouble { get; set; }

    /// <summary>Called with the name of each writing call that has succeeded; what it throws, the call throws.</summary>
    public Action<string>? LateTrouble { get; set; }

    /// <summary>Leases that were extended.</summary>
    public int Extensions { get; private set; }

    /// <summary>Messages that were put back.</summary>
    public int Releases { get; private set; }

    public MemoryBlobs Memory { get; } = new();

    public IBlobStore Blobs => Memory;

    public MessageId NewId() => new(Interlocked.Increment(ref _sequence), Random.Shared.NextInt64(MessageId.MaxSecret));

    public Task ConfigureAsync(string queue, QueueSettings settings, CancellationToken cancellationToken)
    {
        Trouble?.Invoke("configure");
        lock (_lock)
        {
            if (!_queues.TryGetValue(queue, out var known))
            {
                _queues.Add(queue, known = new Queue());
            }

            known.Retired = false;
        }

        return Task.CompletedTask;
    }

    public ValueTask<IReadOnlyList<string>> ListQueuesAsync(string prefix, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            return ValueTask.FromResult<IReadOnlyList<string>>(
                [.. _queues.Where(queue => !queue.Value.Retired && queue.Key.StartsWith(prefix, StringComparison.Ordinal)).Select(queue => queue.Key)]);
        }
    }

    public Task RetireAsync(string queue, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (_queues.TryGetValue(queue, out var known))
            {
                known.Retired = true;
            }
        }

        return Task.CompletedTask;
    }

    public bool IsRetired(string queue)
    {
        lock (_lock)
        {
            return _queues.TryGetValue(queue, out var known) && known.Retired;
        }
    }

    public Task DeleteAsync(string queue, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            _queues.Remove(queue);
        }

        return Task.CompletedTask;
    }

    public ValueTask<EnqueueResult> EnqueueAsync(NewMessage message, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            var queue = Find(message.Queue);
            if (queue.Retired)
            {
                throw new InvalidOperationException("retired");
            }

            queue.All.Add(new Message { New = message, NotBefore = time.GetTimestamp() + Ticks(message.Delay) });
            queue.Wake();
        }

        return ValueTask.FromResult(new EnqueueResult(message.Id, true));
    }

    public Task EnqueueManyAsync(string queue, IReadOnlyList<NewMessage> messages, string? checkpoint, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<string?> ReadCheckpointAsync(string queue, CancellationToken cancellationToken) => throw new NotSupportedException();

    public async ValueTask<LeasedMessage?> LeaseAsync(string queue, TimeSpan visibility, TimeSpan wait, CancellationToken cancellationToken)
    {
        Trouble?.Invoke("lease");
        var begin = time.GetTimestamp();
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Task changed;
            lock (_lock)
            {
                var known = Find(queue);
                if (known.Retired)
                {
                    return null;
                }

                if (TryLease(known, visibility) is { } leased)
                {
                    return leased;
                }

                changed = known.Changed.Task;
            }

            var left = wait - time.GetElapsedTime(begin);
            if (left <= TimeSpan.Zero)
            {
                return null;
            }

            // Delays and leases end without anybody's doing.
            await Task.WhenAny(changed, Task.Delay(TimeSpan.FromMilliseconds(20), time, cancellationToken));
        }
    }

    public ValueTask ExtendAsync(IReadOnlyList<Lease> leases, TimeSpan visibility, CancellationToken cancellationToken)
    {
        Trouble?.Invoke("extend");
        lock (_lock)
        {
            foreach (var lease in leases)
            {
                if (Holder(lease) is { } message)
                {
                    message.Expires = time.GetTimestamp() + Ticks(visibility);
                    Extensions++;
                }
            }
        }

        return ValueTask.CompletedTask;
    }

    public ValueTask<bool> CompleteAsync(Lease lease, Body result, CancellationToken cancellationToken) => Change("complete", lease, message =>
    {
        message.Status = MessageStatus.Completed;
        message.Result = result;
    });

    public ValueTask<bool> FailAsync(Lease lease, Attempt attempt, TimeSpan? retryAfter, Body? answer, CancellationToken cancellationToken) => Change("fail", lease, message =>
    {
        message.Attempts.Add(attempt);
        message.Failed++;
        message.Status = retryAfter is null ? MessageStatus.Failed : MessageStatus.Waiting;
        message.Answer = answer;
        message.NotBefore = time.GetTimestamp() + Ticks(retryAfter ?? default);
    });

    public ValueTask<bool> LoseAsync(Lease lease, Attempt attempt, TimeSpan delay, CancellationToken cancellationToken) => Change("lose", lease, message =>
    {
        message.Attempts.Add(attempt);
        message.Lost++;
        message.Status = MessageStatus.Waiting;
        message.NotBefore = time.GetTimestamp() + Ticks(delay);
    });

    public async ValueTask ReleaseAsync(Lease lease, CancellationToken cancellationToken)
    {
        if (await Change("release", lease, static message => message.Status = MessageStatus.Waiting))
        {
            Releases++;
        }
    }

    public ValueTask<ChangeOutcome> CancelAsync(string queue, MessageId id, CancellationToken cancellationToken)
    {
        CancellationTokenSource revoked;
        lock (_lock)
        {
            var message = Find(queue).All.Single(message => message.New.Id == id);
            if (message.Status > MessageStatus.Leased)
            {
                return ValueTask.FromResult(new ChangeOutcome(false, message.Status));
            }

            message.Status = MessageStatus.Cancelled;
            revoked = message.Revoked;
        }

        revoked.Cancel();
        return ValueTask.FromResult(new ChangeOutcome(true, MessageStatus.Cancelled));
    }

    public ValueTask<ChangeOutcome> RetryAsync(string queue, MessageId id, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<MessageRecord?> GetAsync(string queue, MessageId id, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            return ValueTask.FromResult(_queues.TryGetValue(queue, out var known) ? known.All.SingleOrDefault(message => message.New.Id == id)?.Record() : null);
        }
    }

    public async ValueTask<MessageRecord?> WaitAsync(string queue, MessageId id, TimeSpan wait, CancellationToken cancellationToken)
    {
        var begin = time.GetTimestamp();
        while (true)
        {
            var record = await GetAsync(queue, id, cancellationToken);
            if (record is null or { Status: > MessageStatus.Leased } || time.GetElapsedTime(begin) >= wait)
            {
                return record;
            }

            await Task.Delay(2, cancellationToken);
        }
    }

    public ValueTask<MessagePage> ListAsync(string queue, MessageQuery query, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<QueueTotals> TotalAsync(string queue, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<QueueCounts> CountAsync(string queue, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            var all = _queues.TryGetValue(queue, out var known) ? known.All : [];
            var now = time.GetTimestamp();
            var waiting = all.Where(message => message.Status == MessageStatus.Waiting).ToList();
            return ValueTask.FromResult(new QueueCounts(
                waiting.Count(message => message.NotBefore <= now), waiting.Count(message => message.NotBefore > now),
                all.Count(static message => message.Status == MessageStatus.Leased), null));
        }
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <summary>Whether no message is anywhere but in a final state.</summary>
    public bool IsDone(string queue)
    {
        lock (_lock)
        {
            return Find(queue).All.All(static message => message.Status > MessageStatus.Leased);
        }
    }

    private long Ticks(TimeSpan span) => (long)(span.TotalSeconds * time.TimestampFrequency);

    private Queue Find(string queue) => _queues.TryGetValue(queue, out var known) ? known : throw new InvalidOperationException($"the queue {queue} was never configured");

    private LeasedMessage? TryLease(Queue queue, TimeSpan visibility)
    {
        var now = time.GetTimestamp();
        foreach (var message in queue.All)
        {
            if (message.Status == MessageStatus.Leased && message.Expires <= now)
            {
                message.Status = MessageStatus.Waiting;
                _ = message.Revoked.CancelAsync();
            }

            if (message.Status == MessageStatus.Waiting && message.NotBefore <= now)
            {
                message.Status = MessageStatus.Leased;
                message.Token = ++_token;
                message.Expires = now + Ticks(visibility);
                message.Revoked = new CancellationTokenSource();
                return new LeasedMessage
                {
                    Lease = new Lease(message.New.Id, message.Token),
                    Head = message.New.Head,
                    Payload = message.New.Payload,
                    Priority = message.New.Priority,
                    EnqueuedAt = DateTimeOffset.UnixEpoch,
                    FailedAttempts = message.Failed,
                    LostAttempts = message.Lost,
                    Revoked = message.Revoked.Token,
                };
            }
        }

        return null;
    }

    private Message? Holder(Lease lease) => _queues.Values.SelectMany(static queue => queue.All)
        .SingleOrDefault(message => message.New.Id == lease.Id && message.Token == lease.Token && message.Status is MessageStatus.Leased or MessageStatus.Waiting);

    private async ValueTask<bool> Change(string name, Lease lease, Action<Message> change)
    {
        await Task.Yield();   // as a real store does, on a thread of the pool
        Trouble?.Invoke(name);
        lock (_lock)
        {
            if (Holder(lease) is not { } message)
            {
                return false;
            }

            change(message);
            message.Token = 0;
            foreach (var queue in _queues.Values)
            {
                queue.Wake();
            }
        }

        LateTrouble?.Invoke(name);
        return true;
    }

    private sealed class Queue
    {
        public List<Message> All { get; } = [];

        public bool Retired { get; set; }

        public TaskCompletionSource Changed { get; private set; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Wake()
        {
            Changed.TrySetResult();
            Changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    private sealed class Message
    {
        public required NewMessage New { get; init; }

        public MessageStatus Status { get; set; }

        public long NotBefore { get; set; }

        public long Expires { get; set; }

        public long Token { get; set; }

        public int Failed { get; set; }

        public int Lost { get; set; }

        public Body? Result { get; set; }

        public Body? Answer { get; set; }

        public List<Attempt> Attempts { get; } = [];

        public CancellationTokenSource Revoked { get; set; } = new();

        public MessageRecord Record() => new()
        {
            Id = New.Id,
            Status = Status,
            Priority = New.Priority,
            EnqueuedAt = DateTimeOffset.UnixEpoch,
            Result = Result,
            Answer = Answer,
            Head = New.Head,
            Payload = New.Payload,
            FailedAttempts = Failed,
            LostAttempts = Lost,
            Attempts = [.. Attempts],
        };
    }
}
