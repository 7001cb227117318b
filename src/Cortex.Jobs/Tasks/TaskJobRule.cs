using Cortex.Core.Units;
using Cortex.Runtimes;

namespace Cortex.Jobs.Tasks;

/// <summary>Decides what a task job's pod means for the job. Pure: no clock, no I/O.</summary>
internal static class TaskJobRule
{
    /// <summary>What to do next.</summary>
    /// <param name="job">The job, which has not ended.</param>
    /// <param name="pod">The pod of its present attempt; null when there is none.</param>
    /// <param name="noImageSince">Since when its images can't be had; null when that is not what it waits for.</param>
    /// <param name="now">The time.</param>
    /// <param name="imageTimeout">How long images are tried for.</param>
    public static TaskStep Next(JobRecord job, PodStatus? pod, DateTimeOffset? noImageSince, DateTimeOffset now, TimeSpan imageTimeout)
    {
        if (pod is null)
        {
            return WithoutPod(job, now);
        }

        var running = pod.Containers.Any(container => container.Running);
        var began = running || pod.Containers.Any(container => container.StartedAt is not null || container.ExitCode is not null);
        var startedAt = job.StartedAt ?? pod.Containers.Min(container => container.StartedAt);
        var failure = FirstFailure(pod);
        var everyOneEnded = pod.Containers.Count > 0 && pod.Containers.All(container => container is { Running: false, ExitCode: not null });
        if (!running && (failure is not null || everyOneEnded || pod.State is PodState.Failed or PodState.Killed or PodState.KilledOOM))
        {
            return Ended(job, pod, failure, startedAt, now);
        }

        if (job.Ending is { } ending)
        {
            return new TaskStep.Stop(ending);
        }

        if (job.Deadline <= now)
        {
            return new TaskStep.Stop(new JobEnding(JobStatus.TimedOut, now, TimeoutMessage(job, began ? "" : pod.Reason)));
        }

        if (began)
        {
            if (job.Status == JobStatus.Pending)
            {
                return new TaskStep.Run(startedAt ?? now);
            }

            return new TaskStep.Wait(failure is null ? "" : $"{failure.Reason}; the other containers are being ended");
        }

        return pod.State switch
        {
            PodState.ErrImagePull when noImageSince + imageTimeout <= now =>
                new TaskStep.Stop(new JobEnding(JobStatus.UnexpectedError, now, $"its image could not be had for {GoDuration.Format(imageTimeout)}: {pod.Reason}")),
            PodState.Unknown => new TaskStep.Stop(new JobEnding(JobStatus.UnexpectedError, now, pod.Reason)),
            _ => new TaskStep.Wait(pod.Reason),
        };
    }

    private static TaskStep WithoutPod(JobRecord job, DateTimeOffset now)
    {
        if (job.Ending is { } ending)
        {
            return new TaskStep.End(ending.Status, now, job.StartedAt, null, ending.Message);
        }

        if (job.Deadline <= now)
        {
            return new TaskStep.End(JobStatus.TimedOut, now, job.StartedAt, null, TimeoutMessage(job, job.StartedAt is null ? job.Message : ""));
        }

        if (job.Status == JobStatus.Running)
        {
            const string lost = "its containers were removed by something other than this cluster";
            return job.Attempt < job.MaxAttempts
                ? new TaskStep.Retry(lost, Interrupted: true)
                : new TaskStep.End(JobStatus.UnexpectedError, now, job.StartedAt, null, lost);
        }

        return job.NotBefore > now ? new TaskStep.Wait(job.Message) : new TaskStep.Start();
    }

    private static TaskStep Ended(JobRecord job, PodStatus pod, ContainerStatus? failure, DateTimeOffset? startedAt, DateTimeOffset now)
    {
        // Not later than now, whatever the backend's clock says.
        var endedAt = pod.Containers.Max(container => container.EndedAt) ?? now;
        endedAt = endedAt < now ? endedAt : now;
        if (job.Ending is { } ending)
        {
            // People were told so from the moment that it was decided.
            return new TaskStep.End(ending.Status, endedAt, startedAt, failure?.ExitCode, ending.Message);
        }

        if (job.Deadline < endedAt)
        {
            // Nobody was there to end it in time, as the server was not running.
            return new TaskStep.End(JobStatus.TimedOut, endedAt, startedAt, failure?.ExitCode, TimeoutMessage(job, ""));
        }

        if (failure is null && pod.State is not (PodState.Failed or PodState.Killed or PodState.KilledOOM))
        {
            return new TaskStep.End(JobStatus.Succeeded, endedAt, startedAt, 0, "");
        }

        var message = failure is { Reason.Length: > 0 } ? failure.Reason : pod.Reason;
        if (job.Attempt < job.MaxAttempts && !(job.Deadline <= now))
        {
            // By these an engine, or a machine that goes down, ends containers.
            return new TaskStep.Retry(message, failure is { OomKilled: false, ExitCode: SignalExitCodes.Terminated or SignalExitCodes.Killed });
        }

        var oom = failure?.OomKilled ?? pod.State == PodState.KilledOOM;
        return new TaskStep.End(oom ? JobStatus.WorkerOom : JobStatus.WorkerError, endedAt, startedAt, failure?.ExitCode, message);
    }

    // The first failure ends the others, whose own exit codes say nothing then.
    private static ContainerStatus? FirstFailure(PodStatus pod) => pod.Containers
        .Where(container => container is { Running: false, ExitCode: not null and not 0 })
        .MinBy(container => container.EndedAt ?? DateTimeOffset.MaxValue);

    private static string TimeoutMessage(JobRecord job, string waitedFor) =>
        $"it was not over {GoDuration.Format(TimeSpan.FromSeconds(job.Timeout ?? 0))} after its submission{(waitedFor.Length > 0 ? $", as it could not start: {waitedFor}" : "")}";
}
