namespace Cortex.Queues.Postgres.Writing;

/// <summary>One thing to be written, and whoever waits for it.</summary>
internal abstract class Operation
{
    // What a row costs beside its contents.
    protected const long Overhead = 256;

    /// <summary>About how much it adds to a commit.</summary>
    public abstract long Bytes { get; }

    /// <summary>It brings more work. Such operations wait behind those that end some.</summary>
    public virtual bool Grows => false;

    /// <summary>Ends the wait with an error.</summary>
    public abstract void Fail(Exception error);
}

/// <summary>An operation with a result.</summary>
internal abstract class Operation<T> : Operation
{
    private readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<T> Task => _done.Task;

    public void Complete(T result) => _done.TrySetResult(result);

    public override void Fail(Exception error) => _done.TrySetException(error);
}

/// <summary>Puts one message in. Null when another message had the key and was gone before it could be read: to be tried again.</summary>
internal sealed class EnqueueOperation(NewMessage message, int queue, int followQueue, long due) : Operation<EnqueueResult?>
{
    public NewMessage Message => message;

    // Copies: who stops waiting may use his memory again.
    public byte[] Head { get; } = message.Head.ToArray();

    public byte[]? Payload { get; } = message.Payload.Blob is null ? message.Payload.Inline.ToArray() : null;

    public byte[]? Digest { get; } = message.Digest.IsEmpty ? null : message.Digest.ToArray();

    public int Queue => queue;

    /// <summary>0 for none.</summary>
    public int FollowQueue => followQueue;

    /// <summary>0 for at once.</summary>
    public long Due => due;

    public override long Bytes => Overhead + message.Head.Length + message.Payload.Inline.Length;

    public override bool Grows => true;
}

/// <summary>Makes a message final. False when it is final, gone, or somebody else's.</summary>
internal sealed class FinishOperation : Operation<bool>
{
    public required MessageId Id { get; init; }

    /// <summary>0 for whichever it is in.</summary>
    public required int Queue { get; init; }

    /// <summary>The lease that must not be another's; 0 when it does not matter.</summary>
    public required long Token { get; init; }

    public required MessageStatus Status { get; init; }

    public Body Result
    {
        get;
        init
        {
            field = value;
            ResultBytes = value.Blob is null ? value.Inline.ToArray() : null;
        }
    }

    // A copy: who stops waiting may use his memory again.
    public byte[]? ResultBytes { get; private init; }

    public byte[]? Attempt { get; init; }

    /// <summary>For the follow-up; null when the message is known to have none.</summary>
    public MessageId? FollowUp { get; init; }

    public override long Bytes => Overhead + Result.Inline.Length + (Attempt?.Length ?? 0);
}

/// <summary>Puts a message back after an attempt. False when it is final, gone, or somebody else's.</summary>
internal sealed class DeferOperation : Operation<bool>
{
    public required Lease Lease { get; init; }

    /// <summary>0 for at once.</summary>
    public required long Due { get; init; }

    public required bool IsLost { get; init; }

    public required byte[] Attempt { get; init; }

    public override long Bytes => Overhead + Attempt.Length;
}

/// <summary>Ends a lease as if it had never been.</summary>
internal sealed class ReleaseOperation(int queue, Lease lease) : Operation<bool>
{
    public int Queue => queue;

    public Lease Lease => lease;

    public override long Bytes => Overhead;
}

/// <summary>Puts a failed or cancelled message back. False when there is none.</summary>
internal sealed class RestoreOperation(int queue, MessageId id) : Operation<bool>
{
    public int Queue => queue;

    public MessageId Id => id;

    public override long Bytes => Overhead;
}
