namespace Cortex.Gateway.Tests.Support;

/// <summary>The system's clock until it is given a fault, which is thrown from then on: a bug of ours in the midst of work with a replica.</summary>
internal sealed class FaultyTime : TimeProvider
{
    public Exception? Fault { get; set; }

    public override long GetTimestamp() => Fault is null ? System.GetTimestamp() : throw Fault;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        Fault is null ? System.CreateTimer(callback, state, dueTime, period) : throw Fault;
}
