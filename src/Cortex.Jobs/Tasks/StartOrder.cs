namespace Cortex.Jobs.Tasks;

/// <summary>The order in which jobs start: by priority, then by submission.</summary>
internal sealed class StartOrder : IComparer<JobRecord>
{
    public static StartOrder Instance { get; } = new();

    /// <inheritdoc/>
    public int Compare(JobRecord? x, JobRecord? y)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(y);
        var byPriority = y.Priority.CompareTo(x.Priority);

        // Ids sort newest first.
        return byPriority != 0 ? byPriority : string.CompareOrdinal(y.Id, x.Id);
    }
}
