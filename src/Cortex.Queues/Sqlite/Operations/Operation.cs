namespace Cortex.Queues.Sqlite.Operations;

/// <summary>Something to be written, as part of a group that is committed together.</summary>
internal abstract class Operation
{
    private const int Overhead = 256;

    /// <summary>Bytes that it will write, roughly, and holds in memory while it waits.</summary>
    public virtual long Bytes => Overhead;

    /// <summary>It makes the store grow. Such operations come last when a commit is full, and first to be refused when the disk is.</summary>
    public virtual bool Grows => false;

    /// <summary>Writes, inside the transaction. May be called again when the transaction had to be repeated.</summary>
    public abstract void Execute(WriteContext context);

    /// <summary>Makes what is committed visible in memory. Must not fail.</summary>
    public abstract void Apply(WriteContext context);

    /// <summary>Tells the caller that it is durable.</summary>
    public abstract void Succeed();

    /// <summary>Tells the caller that nothing was written.</summary>
    public abstract void Fail(Exception exception);
}

/// <summary>An operation whose caller waits for a value.</summary>
internal abstract class Operation<T> : Operation
{
    // Callers go on elsewhere: the writer must not run their code.
    private readonly TaskCompletionSource<T> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<T> Task => _completion.Task;

    /// <summary>What the caller gets; set by <see cref="Operation.Execute"/>.</summary>
    protected T Result { get; set; } = default!;

    public override void Succeed() => _completion.TrySetResult(Result);

    public override void Fail(Exception exception) => _completion.TrySetException(exception);
}
