using Cortex.Core.Clusters;
using Cortex.Jobs;
using Cortex.Jobs.Batch;
using Cortex.Jobs.Batch.Enqueuing;
using Cortex.Jobs.Batch.Running;
using Cortex.Jobs.Batch.Sources;

namespace Cortex.Operator;

/// <summary>Hands the cluster's configuration of jobs to their controllers.</summary>
internal static class JobSetup
{
    private const string DefaultRegion = "us-east-1";

    /// <summary>What holds for jobs of every kind.</summary>
    public static JobOptions Jobs(OperatorOptions options) => new() { Limits = options.Cluster.Jobs, LogFolder = Path.Combine(options.StateFolder, "jobs") };

    /// <summary>What holds for batch jobs.</summary>
    public static BatchOptions Batches(OperatorOptions options, JobOptions jobs)
    {
        var limits = jobs.Limits;
        return new BatchOptions
        {
            Jobs = jobs,
            Limits = new BatchLimits
            {
                MaxBodyBytes = limits.MaxSubmissionSize,
                MaxStreamedBodyBytes = limits.MaxStreamedSize,
                MaxItems = limits.MaxItems,
                MaxSourceBytes = limits.MaxSourceSize,
                MaxItemBytes = (int)limits.MaxItemSize,
                MaxBatchBytes = (int)limits.MaxBatchSize,
                MaxWorkers = limits.MaxWorkers,
            },
            Bounds = new BatchBounds { MaxDeathsInARow = limits.MaxWorkerDeaths, ImageTimeout = limits.ImageTimeout, RoomTimeout = limits.RoomTimeout },
            Sources = Sources(limits.Sources),
            Enqueue = new EnqueueOptions { InlineLimit = options.Cluster.Queue.InlineLimit },
            Dispatch = options.Dispatch,
        };
    }

    private static SourceOptions Sources(JobSourceSettings sources) => new()
    {
        S3 = new S3SourceOptions
        {
            Endpoint = sources.S3.Endpoint,
            Region = sources.S3.Region ?? (sources.S3.Environment ? Environment.GetEnvironmentVariable("AWS_REGION") : null) ?? DefaultRegion,
            PathStyle = sources.S3.PathStyle,
            AccessKey = sources.S3.AccessKey,
            SecretKey = sources.S3.SecretKey,
            Environment = sources.S3.Environment,
            Buckets = sources.S3.Buckets,
        },
        Folders = sources.FileFolders,
        HttpHosts = sources.HttpHosts,
    };
}
