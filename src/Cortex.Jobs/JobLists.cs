namespace Cortex.Jobs;

/// <summary>Puts together the jobs of some APIs.</summary>
internal static class JobLists
{
    /// <summary>Of each API the jobs that have not ended, and ended ones until there are as many as were asked for, newest first.</summary>
    /// <param name="apiNames">The APIs.</param>
    /// <param name="count">Of each API.</param>
    /// <param name="active">What has not ended, of any API. Read before what has, so that none is missed.</param>
    /// <param name="ended">The newest that have ended, newest first.</param>
    /// <param name="view">How one that has ended is shown.</param>
    public static ILookup<string, JobView> Of(IReadOnlyCollection<string> apiNames, int count, IReadOnlyList<JobView> active, IReadOnlyList<JobRecord> ended, Func<JobRecord, JobView> view)
    {
        var wanted = apiNames.ToHashSet(StringComparer.Ordinal);

        // One of them may have ended since. One whose API was deleted with its history belongs to none of that name that comes later.
        var seen = active.Select(job => job.Record.Id).ToHashSet(StringComparer.Ordinal);
        var endedOf = ended.Where(job => !job.Forget && !seen.Contains(job.Id)).ToLookup(job => job.ApiName, StringComparer.Ordinal);
        var activeOf = active.Where(job => !job.Record.Forget).ToLookup(job => job.Record.ApiName, StringComparer.Ordinal);
        return wanted
            .SelectMany(name => activeOf[name].OrderBy(job => job.Record.Id, StringComparer.Ordinal).Concat(endedOf[name].Take(Math.Max(0, count - activeOf[name].Count())).Select(view)))
            .ToLookup(job => job.Record.ApiName, StringComparer.Ordinal);
    }
}
