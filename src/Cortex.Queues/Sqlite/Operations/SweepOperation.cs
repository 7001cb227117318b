namespace Cortex.Queues.Sqlite.Operations;

/// <summary>Removes a little of what has expired or belongs to deleted queues. Nobody waits for it.</summary>
internal sealed class SweepOperation(ExpiredRemover expired, int rows, Action<Exception> failed) : Operation
{
    private readonly List<string> _blobs = [];
    private int _done;

    public override void Execute(WriteContext context)
    {
        _blobs.Clear();
        _done = expired.Execute(context, rows, _blobs);
    }

    public override void Apply(WriteContext context)
    {
        expired.Advance(_done);
        _blobs.ForEach(context.Blobs.Remove);
    }

    public override void Succeed()
    {
    }

    public override void Fail(Exception exception)
    {
        expired.Pause();
        failed(exception);
    }
}
