namespace Cortex.Jobs.Batch;

/// <summary>Writes batch jobs as the contract has them.</summary>
public static class BatchJson
{
    /// <summary>The specification of a batch job (http-api.md 5.2): the answer to its submission, and what its containers see.</summary>
    /// <param name="job">The job.</param>
    /// <param name="config">Its configuration as JSON.</param>
    /// <param name="indented">For people.</param>
    public static string Job(JobRecord job, ReadOnlySpan<byte> config, bool indented = false) => throw new NotImplementedException();
}
