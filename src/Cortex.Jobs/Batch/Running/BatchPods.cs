using System.Globalization;
using Cortex.Core.Specs;
using Cortex.Jobs.Tasks;
using Cortex.Runtimes;

namespace Cortex.Jobs.Batch.Running;

/// <summary>Ties pods to batch jobs. A pod's id follows from its place and generation, so that no worker is ever started twice.</summary>
internal static class BatchPods
{
    private const string PlaceLabel = "jobPlace";
    private const string GenerationLabel = "jobGeneration";

    // With the job's id and both numbers a pod's id has at most 63 characters.
    private const int MaxName = 34;

    /// <summary>The pod of a place.</summary>
    public static string PodId(JobRecord job, int place, int generation)
    {
        var name = job.ApiName.Length <= MaxName ? job.ApiName : job.ApiName[..MaxName];
        return generation == 1
            ? string.Create(CultureInfo.InvariantCulture, $"{name}-{job.Id}-{place}")
            : string.Create(CultureInfo.InvariantCulture, $"{name}-{job.Id}-{place}-{generation}");
    }

    /// <summary>Makes a worker of a pod that runs the version.</summary>
    public static PodDefinition Worker(PodDefinition pod, JobRecord job, int place, int generation, string jobJson, TimeSpan grace) => pod with
    {
        Id = PodId(job, place, generation),
        Labels = new Dictionary<string, string>(pod.Labels)
        {
            [PodLabels.JobId] = job.Id,
            [PlaceLabel] = place.ToString(CultureInfo.InvariantCulture),
            [GenerationLabel] = generation.ToString(CultureInfo.InvariantCulture),
        },
        Restart = RestartPolicy.Never,
        StopGrace = grace,
        Files = new Dictionary<string, string>(pod.Files) { [TaskPods.JobFile] = jobJson },
    };

    /// <summary>Whether a pod is a worker of a batch job.</summary>
    public static bool IsWorker(PodStatus pod) =>
        pod.Labels.ContainsKey(PodLabels.JobId) && pod.Labels.GetValueOrDefault(PodLabels.ApiKind) == nameof(ApiKind.BatchAPI);

    /// <summary>The place that a pod has or had.</summary>
    public static int Place(PodStatus pod) => Number(pod, PlaceLabel, 0);

    /// <summary>Which worker of its place a pod is.</summary>
    public static int Generation(PodStatus pod) => Number(pod, GenerationLabel, 1);

    /// <summary>The number under which a worker's logs are kept.</summary>
    public static int LogNumber(int workers, int place, int generation) => ((generation - 1) * workers) + place + 1;

    private static int Number(PodStatus pod, string label, int none) =>
        int.TryParse(pod.Labels.GetValueOrDefault(label), CultureInfo.InvariantCulture, out var number) ? number : none;
}
