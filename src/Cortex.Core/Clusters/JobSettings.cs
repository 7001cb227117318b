namespace Cortex.Core.Clusters;

/// <summary>Bounds of jobs.</summary>
public sealed record JobSettings
{
    /// <summary>Ended jobs kept per API, with their logs; 1-10000.</summary>
    public int History { get; init; } = 100;

    /// <summary>Ended jobs are kept this long.</summary>
    public TimeSpan HistoryAge { get; init; } = TimeSpan.FromDays(30);

    /// <summary>Bytes of output kept of each attempt, the last ones.</summary>
    public long LogSize { get; init; } = 10L * 1024 * 1024;

    /// <summary>Jobs of all APIs that run at a time; further ones wait as pending. 1-10000.</summary>
    public int MaxConcurrent { get; init; } = 1000;

    /// <summary>Jobs that have not ended; further submissions are refused. 1-1000000.</summary>
    public int MaxUnfinished { get; init; } = 10_000;

    /// <summary>Jobs whose containers are being started at a time, and jobs of each API that wait for room on the machine; 1-1000.</summary>
    public int ParallelStarts { get; init; } = 8;

    /// <summary>A job whose images can't be had for this long ends.</summary>
    public TimeSpan ImageTimeout { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Time a worker gets from SIGTERM to SIGKILL.</summary>
    public TimeSpan TerminationGrace { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Time that the other containers of a task job get once one has ended with 0 and none has failed; then they are ended, and the job has succeeded.</summary>
    public TimeSpan HelperGrace { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Bytes of one submission.</summary>
    public long MaxSubmissionSize { get; init; } = 10L * 1024 * 1024;

    /// <summary>Bytes of a batch job's items when they are streamed as newline-delimited JSON.</summary>
    public long MaxStreamedSize { get; init; } = 10L * 1024 * 1024 * 1024;

    /// <summary>Longest time in which no byte of a submission arrives.</summary>
    public TimeSpan UploadIdleTimeout { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Items of one batch job, whatever they come from; 1 and more.</summary>
    public long MaxItems { get; init; } = 10_000_000;

    /// <summary>Bytes that one batch job may read from files, unpacked.</summary>
    public long MaxSourceSize { get; init; } = 100L * 1024 * 1024 * 1024;

    /// <summary>Bytes of one item of a batch job.</summary>
    public long MaxItemSize { get; init; } = 250 * 1024;

    /// <summary>Bytes of one batch: its items as a JSON array.</summary>
    public long MaxBatchSize { get; init; } = 250 * 1024;

    /// <summary>Workers of one batch job; 1-100000.</summary>
    public int MaxWorkers { get; init; } = 10_000;

    /// <summary>Workers of a batch job that may die one after the other without a batch being finished; one more ends the job. 0-10000.</summary>
    public int MaxWorkerDeaths { get; init; } = 5;

    /// <summary>A batch job without a running worker ends when there is no room for one for so long.</summary>
    public TimeSpan RoomTimeout { get; init; } = TimeSpan.FromHours(24);

    /// <summary>Where batch jobs may read files.</summary>
    public JobSourceSettings Sources { get; init; } = new();
}
