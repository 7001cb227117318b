using System.Text;

namespace Cortex.Queues;

/// <summary>Refuses input that breaks the bounds of <see cref="IQueueStore"/>, the same way for every store.</summary>
internal static class StoreInput
{
    public const int MaxHead = 64 * 1024;
    public const int MaxCheckpoint = 4 * 1024;
    public const int MaxMessages = 10_000;
    public const int MaxKey = 255;
    public const int MaxDigest = 64;
    public const int MaxQueueName = 255;
    public const int MaxList = 1000;
    public const int MaxPriority = 9;

    public static readonly TimeSpan MinVisibility = TimeSpan.FromSeconds(1);
    public static readonly TimeSpan MaxVisibility = TimeSpan.FromHours(12);

    // Far beyond every use, and far from the end of any clock.
    private static readonly TimeSpan MaxSpan = TimeSpan.FromDays(36_500);

    public static void CheckQueue(string queue)
    {
        ArgumentException.ThrowIfNullOrEmpty(queue);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(queue.Length, MaxQueueName, nameof(queue));
    }

    public static void Check(QueueSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentOutOfRangeException.ThrowIfLessThan(settings.Retention, TimeSpan.FromSeconds(1), nameof(settings));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(settings.Retention, MaxSpan, nameof(settings));
    }

    public static void Check(NewMessage message, int inlineLimit)
    {
        ArgumentNullException.ThrowIfNull(message);
        CheckQueue(message.Queue);
        ArgumentOutOfRangeException.ThrowIfLessThan(message.Id.Sequence, 1, nameof(message));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(message.Head.Length, MaxHead, nameof(message));
        ArgumentOutOfRangeException.ThrowIfNegative(message.Priority, nameof(message));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(message.Priority, MaxPriority, nameof(message));
        CheckDelay(message.Delay);
        Check(message.Payload, inlineLimit);
        if (message.IdempotencyKey is { } key)
        {
            ArgumentException.ThrowIfNullOrEmpty(key, nameof(message));
            ArgumentOutOfRangeException.ThrowIfGreaterThan(key.Length, MaxKey, nameof(message));
            ArgumentOutOfRangeException.ThrowIfGreaterThan(message.Digest.Length, MaxDigest, nameof(message));
        }

        if (message.FollowUpQueue is { } followUp)
        {
            CheckQueue(followUp);
        }
    }

    public static void Check(string queue, IReadOnlyList<NewMessage> messages, string? checkpoint, QueueStoreOptions options)
    {
        CheckQueue(queue);
        ArgumentNullException.ThrowIfNull(messages);
        ArgumentOutOfRangeException.ThrowIfLessThan(messages.Count, 1, nameof(messages));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(messages.Count, MaxMessages, nameof(messages));
        var bytes = 0L;
        foreach (var message in messages)
        {
            Check(message, options.InlineLimit);
            bytes += message.Head.Length + message.Payload.Inline.Length;
            if (message.IdempotencyKey is not null || message.Queue != queue)
            {
                throw new ArgumentException($"Message {message.Id} has an idempotency key or another queue than {queue}: neither is possible for many at once.", nameof(messages));
            }
        }

        if (bytes > options.MaxPendingBytes)
        {
            throw new ArgumentException($"The messages have {bytes} bytes together, more than max_pending_bytes ({options.MaxPendingBytes}); put them in with several calls.", nameof(messages));
        }

        if (checkpoint is not null)
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThan(Encoding.UTF8.GetByteCount(checkpoint), MaxCheckpoint, nameof(checkpoint));
        }
    }

    public static void Check(Body body, int inlineLimit)
    {
        if (body.Blob is null)
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThan(body.Inline.Length, inlineLimit, nameof(body));
            return;
        }

        ArgumentException.ThrowIfNullOrEmpty(body.Blob, nameof(body));
        ArgumentOutOfRangeException.ThrowIfNegative(body.Length, nameof(body));
    }

    public static void CheckDelay(TimeSpan delay)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(delay, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(delay, MaxSpan);
    }

    public static void CheckVisibility(TimeSpan visibility)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(visibility, MinVisibility);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(visibility, MaxVisibility);
    }

    public static void CheckWait(TimeSpan wait)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(wait, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(wait, MaxSpan);
    }

    public static void Check(MessageQuery query)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(query.Limit, 1, nameof(query));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(query.Limit, MaxList, nameof(query));
        if (query.Status is { } status && !Enum.IsDefined(status))
        {
            throw new ArgumentOutOfRangeException(nameof(query), status, "There is no such status.");
        }
    }

    public static void Check(QueueStoreOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        Range(options.InlineLimit, 1024, 1024 * 1024, nameof(options.InlineLimit));
        Range(options.MaxPendingOperations, 1, 1_000_000, nameof(options.MaxPendingOperations));
        Range(options.MaxPendingBytes, 1024 * 1024, 1024 * 1024 * 1024, nameof(options.MaxPendingBytes));
        Range(options.MaxCommitBytes, 1024 * 1024, 64 * 1024 * 1024, nameof(options.MaxCommitBytes));
        Range(options.PayloadCacheBytes, 0, 1024 * 1024 * 1024, nameof(options.PayloadCacheBytes));
        Range(options.AttemptsKept, 1, 100, nameof(options.AttemptsKept));
        Range(options.MaxWaiters, 0, 1_000_000, nameof(options.MaxWaiters));
        Range(options.FairnessInterval, 2, 1000, nameof(options.FairnessInterval));
        Range(options.SweepInterval, TimeSpan.FromMilliseconds(100), TimeSpan.FromDays(1), nameof(options.SweepInterval));
        Range(options.OrphanAge, TimeSpan.FromMinutes(1), TimeSpan.FromDays(30), nameof(options.OrphanAge));
    }

    private static void Range<T>(T value, T min, T max, string name)
        where T : IComparable<T>
    {
        if (value.CompareTo(min) < 0 || value.CompareTo(max) > 0)
        {
            throw new ArgumentOutOfRangeException(name, value, $"{name} must be from {min} to {max}.");
        }
    }
}
