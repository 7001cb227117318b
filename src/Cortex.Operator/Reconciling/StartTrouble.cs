using Cortex.Runtimes;

namespace Cortex.Operator.Reconciling;

/// <summary>Says, for clients whose requests wait for it, why an API has no ready replica. Pure.</summary>
internal static class StartTrouble
{
    /// <summary>Why no replica can start; null while one may come.</summary>
    /// <param name="pods">The API's replicas of the newest version that are not on their way out; none of them is ready.</param>
    /// <param name="createError">Why the last replica could not be created; null when it could.</param>
    public static string? Failure(IReadOnlyList<PodStatus> pods, string? createError) =>
        pods.Count == 0 ? createError
        : pods.All(HasFailed) ? Delay(pods, createError)
        : null;

    /// <summary>What is known to keep replicas from being ready; null when nothing is.</summary>
    /// <param name="pods">As above.</param>
    /// <param name="createError">As above.</param>
    public static string? Delay(IReadOnlyList<PodStatus> pods, string? createError) =>
        pods.Select(pod => pod.Reason).FirstOrDefault(reason => reason.Length > 0) ?? createError ?? (pods.Count > 0 ? $"the replica is {pods[0].State}" : null);

    // A container that ends once may have met something that passes: its restart comes at once and is waited for.
    private static bool HasFailed(PodStatus pod) => pod.State switch
    {
        PodState.ErrImagePull => true,
        PodState.Failed or PodState.Killed or PodState.KilledOOM => pod.Containers.Count == 0 || pod.Containers.Any(container => container.Restarts > 0),
        _ => false,
    };
}
