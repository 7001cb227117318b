using Cortex.Runtimes;

namespace Cortex.Operator.Tests.Reconciling;

/// <summary>A runtime whose every answer the test gives.</summary>
internal sealed class ScriptedRuntime : IContainerRuntime
{
    public List<PodStatus> Pods { get; } = [];

    public List<PodDefinition> Created { get; } = [];

    public List<string> Deleted { get; } = [];

    /// <summary>Happens once, while the next answer to <see cref="List"/> is under way.</summary>
    public Action? WhileListing { get; set; }

    public Func<PodDefinition, Task> OnCreate { get; set; } = _ => Task.CompletedTask;

    public Func<string, Task<bool>> OnFreeze { get; set; } = _ => throw new NotSupportedException();

    public Func<string, Task<bool>> OnThaw { get; set; } = _ => throw new NotSupportedException();

    public static PodStatus Ready(PodDefinition pod) => new()
    {
        Id = pod.Id,
        Labels = pod.Labels,
        State = PodState.Ready,
        Address = new PodAddress("10.0.0.1", 8080),
        CreatedAt = DateTimeOffset.UnixEpoch,
        StateSince = DateTimeOffset.UnixEpoch,
    };

    public RuntimeTrouble? Trouble { get; set; }

    public IReadOnlyList<PodStatus> List()
    {
        var seen = Pods.ToList();
        var act = WhileListing;
        WhileListing = null;
        act?.Invoke();
        return seen;
    }

    public Task CreateAsync(PodDefinition pod, CancellationToken cancellationToken)
    {
        Created.Add(pod);
        return OnCreate(pod);
    }

    public Task DeleteAsync(string podId, TimeSpan grace, CancellationToken cancellationToken)
    {
        Deleted.Add(podId);
        return Task.CompletedTask;
    }

    public Task<bool> FreezeAsync(string podId, CancellationToken cancellationToken) => OnFreeze(podId);

    public Task<bool> ThawAsync(string podId, CancellationToken cancellationToken) => OnThaw(podId);

    public Task StartAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<RuntimeCapacity> GetCapacityAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

    public IAsyncEnumerable<string> WatchAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

    public IAsyncEnumerable<LogLine> ReadLogsAsync(string podId, LogQuery query, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<ExecResult> ExecAsync(string podId, string container, IReadOnlyList<string> command, TimeSpan timeout, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<PodUsage?> GetUsageAsync(string podId, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
