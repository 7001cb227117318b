using System.Runtime.CompilerServices;
using Cortex.Runtimes.Supervision;

namespace Cortex.Runtimes.Fake;

/// <summary>
/// A runtime in memory for tests, driven by a clock, that fails on request. See <see cref="Machine"/> for the knobs.
/// </summary>
/// <param name="machine">Where the pods live. Give a second runtime the same machine to play a restarted server.</param>
public sealed class FakeRuntime(FakeMachine machine) : IContainerRuntime
{
    private readonly ChangeFeed _feed = machine.Listen();

    /// <summary>A runtime on a machine of its own.</summary>
    public FakeRuntime(TimeProvider time)
        : this(new FakeMachine(time))
    {
    }

    /// <summary>The machine behind it.</summary>
    public FakeMachine Machine => machine;

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken) => Answer(() => true);

    /// <inheritdoc/>
    public RuntimeTrouble? Trouble => machine.Trouble;

    /// <inheritdoc/>
    public Task<RuntimeCapacity> GetCapacityAsync(CancellationToken cancellationToken) => Task.FromResult(machine.Capacity());

    /// <inheritdoc/>
    public Task CreateAsync(PodDefinition pod, CancellationToken cancellationToken) => Answer(() =>
    {
        machine.Create(pod);
        return true;
    });

    /// <inheritdoc/>
    public async Task DeleteAsync(string podId, TimeSpan grace, CancellationToken cancellationToken)
    {
        var gone = await Answer(() => machine.Delete(podId, grace));
        await gone.WaitAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public Task<bool> FreezeAsync(string podId, CancellationToken cancellationToken) => Answer(() => machine.Freeze(podId));

    /// <inheritdoc/>
    public Task<bool> ThawAsync(string podId, CancellationToken cancellationToken) => Answer(() => machine.Thaw(podId));

    /// <inheritdoc/>
    public IReadOnlyList<PodStatus> List() => machine.List();

    /// <inheritdoc/>
    public IAsyncEnumerable<string> WatchAsync(CancellationToken cancellationToken) => _feed.WatchAsync(cancellationToken);

    /// <inheritdoc/>
    public async IAsyncEnumerable<LogLine> ReadLogsAsync(
        string podId, LogQuery query, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var pod = await Answer(() => machine.Find(podId));
        if (pod is null)
        {
            yield break;
        }

        foreach (var container in pod.Definition.Containers.Where(c => query.Container is null || query.Container == c.Name))
        {
            foreach (var line in pod.Behaviour.Log.TakeLast(query.Tail ?? int.MaxValue))
            {
                yield return new LogLine(container.Name, pod.CreatedAt, line, false);
            }
        }

        if (query.Follow)
        {
            await pod.Over.WaitAsync(cancellationToken);
        }
    }

    /// <inheritdoc/>
    public Task<ExecResult> ExecAsync(
        string podId, string container, IReadOnlyList<string> command, TimeSpan timeout, CancellationToken cancellationToken) =>
        Answer(() => machine.Find(podId) is { Runs: true } pod
            ? pod.Behaviour.Exec?.Invoke(command) ?? new ExecResult(0, "", false)
            : throw new InvalidOperationException($"pod {podId} does not run, so no command can be run in it"));

    /// <inheritdoc/>
    public Task<PodUsage?> GetUsageAsync(string podId, CancellationToken cancellationToken) =>
        Answer(() => machine.Find(podId) is { Runs: true } pod ? pod.Behaviour.Usage : null);

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        machine.Leave(_feed);
        return ValueTask.CompletedTask;
    }

    private Task<T> Answer<T>(Func<T> answer)
    {
        if (machine.Unavailable is { } words)
        {
            return Task.FromException<T>(new RuntimeUnavailableException(words));
        }

        try
        {
            return Task.FromResult(answer());
        }
        catch (InvalidOperationException error)
        {
            return Task.FromException<T>(error);
        }
    }
}
