using System.Globalization;
using Cortex.Core.Specs;
using Cortex.Runtimes;

namespace Cortex.Jobs.Tasks;

/// <summary>Ties pods to task jobs. A pod's id follows from the attempt, so that no attempt is ever started twice.</summary>
internal static class TaskPods
{
    /// <summary>Where every container finds its job.</summary>
    public const string JobFile = "/cortex/spec/job.json";

    private const string AttemptLabel = "jobAttempt";

    /// <summary>The pod of a job's present attempt.</summary>
    public static string PodId(JobRecord job) => job.Attempt == 1
        ? $"{job.ApiName}-{job.Id}"
        : string.Create(CultureInfo.InvariantCulture, $"{job.ApiName}-{job.Id}-{job.Attempt}");

    /// <summary>Makes a worker of a pod that runs the version.</summary>
    public static PodDefinition Worker(PodDefinition pod, JobRecord job, string jobJson, TimeSpan grace, TimeSpan helperGrace) => pod with
    {
        Id = PodId(job),
        Labels = new Dictionary<string, string>(pod.Labels)
        {
            [PodLabels.JobId] = job.Id,
            [AttemptLabel] = job.Attempt.ToString(CultureInfo.InvariantCulture),
        },
        Restart = RestartPolicy.Never,
        StopGrace = grace,
        HelperGrace = helperGrace,
        Files = new Dictionary<string, string>(pod.Files) { [JobFile] = jobJson },
    };

    /// <summary>Whether a pod is a worker of a task job.</summary>
    public static bool IsWorker(PodStatus pod) =>
        pod.Labels.ContainsKey(PodLabels.JobId) && pod.Labels.GetValueOrDefault(PodLabels.ApiKind) == nameof(ApiKind.TaskAPI);

    /// <summary>The attempt that a pod belongs to.</summary>
    public static int Attempt(PodStatus pod) =>
        int.TryParse(pod.Labels.GetValueOrDefault(AttemptLabel), CultureInfo.InvariantCulture, out var attempt) ? attempt : 1;
}
