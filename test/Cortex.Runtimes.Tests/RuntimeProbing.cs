namespace Cortex.Runtimes.Tests;

internal static class RuntimeProbing
{
    public static PodStatus? Find(this IContainerRuntime runtime, string podId) => runtime.List().FirstOrDefault(p => p.Id == podId);

    public static Task<PodStatus> UntilAsync(this IContainerRuntime runtime, string podId, PodState state) =>
        runtime.UntilAsync(podId, p => p.State == state, $"{state}");

    public static Task<PodStatus> UntilAsync(this IContainerRuntime runtime, string podId, Func<PodStatus, bool> condition, string what) =>
        Eventually.GetAsync(
            () => runtime.Find(podId) is { } pod && condition(pod) ? pod : null,
            () => $"{podId} {what}; it is {Describe(runtime.Find(podId))}");

    public static async Task<List<LogLine>> LogsAsync(this IContainerRuntime runtime, string podId, LogQuery? query = null)
    {
        var lines = new List<LogLine>();
        await foreach (var line in runtime.ReadLogsAsync(podId, query ?? new LogQuery(), TestContext.Current.CancellationToken))
        {
            lines.Add(line);
        }

        return lines;
    }

    private static string Describe(PodStatus? pod) => pod is null
        ? "not there"
        : $"{pod.State} ({pod.Reason}) {string.Join(", ", pod.Containers)}";
}
