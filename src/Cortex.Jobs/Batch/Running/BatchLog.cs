using Microsoft.Extensions.Logging;

namespace Cortex.Jobs.Batch.Running;

/// <summary>The log messages of batch jobs; ids 7100-7199.</summary>
internal static partial class BatchLog
{
    [LoggerMessage(7101, LogLevel.Error, "Could not look at the batch jobs; the next attempt follows within seconds.")]
    public static partial void StepFailed(this ILogger logger, Exception exception);

    [LoggerMessage(7102, LogLevel.Error, "Could not go on with batch job {Job} of {Api}; it is tried again after a pause.")]
    public static partial void JobStepFailed(this ILogger logger, Exception exception, string job, string api);

    [LoggerMessage(7103, LogLevel.Information, "Batch job {Job} of {Api} has ended: {Status}, {Succeeded} batches succeeded, {Failed} failed. {Message}")]
    public static partial void Ended(this ILogger logger, string job, string api, string status, long succeeded, long failed, string message);

    [LoggerMessage(7104, LogLevel.Warning, "Could not read the logs of {Worker}.")]
    public static partial void NoLogs(this ILogger logger, Exception exception, string worker);

    [LoggerMessage(7105, LogLevel.Error, "Could not remove {Worker}; it is tried again.")]
    public static partial void NotRetired(this ILogger logger, Exception exception, string worker);

    [LoggerMessage(7106, LogLevel.Error, "Could not remove what ended batch jobs left; it is tried again within the hour.")]
    public static partial void NotTrimmed(this ILogger logger, Exception exception);

    [LoggerMessage(7107, LogLevel.Warning, "Lost sight of the runtime's changes; watching again after a pause.")]
    public static partial void WatchFailed(this ILogger logger, Exception exception);

    [LoggerMessage(7108, LogLevel.Warning, "A worker of batch job {Job} of {Api} died ({Reason}); it is replaced while batches are left")]
    public static partial void WorkerDied(this ILogger logger, string job, string api, string reason);

    [LoggerMessage(7109, LogLevel.Warning, "Worker {Worker} was told that batch job {Job} is complete and gave no good answer ({Answer}); the job ends all the same")]
    public static partial void ToldBadly(this ILogger logger, string worker, string job, string answer);

    [LoggerMessage(7110, LogLevel.Error, "Could not start worker {Worker}; it is tried again.")]
    public static partial void NotCreated(this ILogger logger, Exception exception, string worker);
}
