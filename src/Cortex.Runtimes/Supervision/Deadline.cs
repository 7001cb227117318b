namespace Cortex.Runtimes.Supervision;

/// <summary>A moment to come, by a clock that nobody sets.</summary>
/// <param name="Timestamp">By <see cref="TimeProvider.GetTimestamp"/>.</param>
internal readonly record struct Deadline(long Timestamp)
{
    /// <summary>None.</summary>
    public static Deadline Never { get; } = new(long.MaxValue);

    public static Deadline After(TimeSpan delay, TimeProvider time) =>
        new(time.GetTimestamp() + (long)(Math.Max(0, delay.TotalSeconds) * time.TimestampFrequency));

    /// <summary>What is left until then; zero when it has passed.</summary>
    public TimeSpan Left(TimeProvider time)
    {
        var left = Timestamp - time.GetTimestamp();
        return left > 0 ? TimeSpan.FromSeconds((double)left / time.TimestampFrequency) : TimeSpan.Zero;
    }
}
