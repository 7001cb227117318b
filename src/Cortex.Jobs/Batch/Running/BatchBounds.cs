namespace Cortex.Jobs.Batch.Running;

/// <summary>How long a batch job bears that nothing gets better.</summary>
public sealed record BatchBounds
{
    /// <summary>Workers that may die without a batch being finished in between; one more ends the job. 0 to 10,000.</summary>
    public int MaxDeathsInARow { get; init; } = 5;

    /// <summary>A job without a running worker ends when images can't be had for so long; 1 second to 7 days.</summary>
    public TimeSpan ImageTimeout { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>A job without a running worker ends when there is no room for one for so long; 1 second to 7 days.</summary>
    public TimeSpan RoomTimeout { get; init; } = TimeSpan.FromHours(24);
}
