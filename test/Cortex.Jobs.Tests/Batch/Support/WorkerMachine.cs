using System.Collections.Concurrent;
using Cortex.Runtimes;
using Cortex.Runtimes.Fake;

namespace Cortex.Jobs.Tests.Batch.Support;

/// <summary>Pods that are made up, with HTTP servers that are real. It outlives the controllers that use it.</summary>
internal sealed class WorkerMachine : IDisposable
{
    private readonly ConcurrentDictionary<string, LoopbackWorker> _servers = new(StringComparer.Ordinal);
    private int _seenElsewhere;

    public FakeMachine Machine { get; } = new(TimeProvider.System);

    /// <summary>How workers answer: the pod's id and what it was sent.</summary>
    public Func<string, WorkerRequest, Task<WorkerReply>> Handle { get; set; } = (_, _) => Task.FromResult(new WorkerReply(200));

    /// <summary>Where all workers seem to be; null for where they are.</summary>
    public PodAddress? Elsewhere { get; set; }

    /// <summary>How often somebody has looked while they seemed to be <see cref="Elsewhere"/>.</summary>
    public int SeenElsewhere => Volatile.Read(ref _seenElsewhere);

    /// <summary>Every pod that was ever created.</summary>
    public ConcurrentQueue<PodDefinition> Created { get; } = new();

    public IContainerRuntime Connect() => new Runtime(this, new FakeRuntime(Machine));

    /// <summary>Kills a worker: its connections break and its pod ends.</summary>
    public void Kill(string podId, int exitCode = 137, bool oom = false)
    {
        if (_servers.TryRemove(podId, out var server))
        {
            server.Dispose();
        }

        Machine.End(podId, "main", exitCode, oom);
    }

    public void Dispose()
    {
        foreach (var server in _servers.Values)
        {
            server.Dispose();
        }
    }

    private sealed class Runtime(WorkerMachine machine, FakeRuntime inner) : IContainerRuntime
    {
        public Task StartAsync(CancellationToken cancellationToken) => inner.StartAsync(cancellationToken);

        public RuntimeTrouble? Trouble => inner.Trouble;

        public Task<RuntimeCapacity> GetCapacityAsync(CancellationToken cancellationToken) => inner.GetCapacityAsync(cancellationToken);

        public Task CreateAsync(PodDefinition pod, CancellationToken cancellationToken)
        {
            if (inner.List().All(other => other.Id != pod.Id))
            {
                machine.Created.Enqueue(pod);
            }

            var server = machine._servers.GetOrAdd(pod.Id, id => new LoopbackWorker(request => machine.Handle(id, request)));
            return inner.CreateAsync(pod with { Port = server.Port }, cancellationToken);
        }

        public async Task DeleteAsync(string podId, TimeSpan grace, CancellationToken cancellationToken)
        {
            await inner.DeleteAsync(podId, grace, cancellationToken);
            if (machine._servers.TryRemove(podId, out var server))
            {
                server.Dispose();
            }
        }

        public Task<bool> FreezeAsync(string podId, CancellationToken cancellationToken) => inner.FreezeAsync(podId, cancellationToken);

        public Task<bool> ThawAsync(string podId, CancellationToken cancellationToken) => inner.ThawAsync(podId, cancellationToken);

        public IReadOnlyList<PodStatus> List()
        {
            if (machine.Elsewhere is not { } address)
            {
                return inner.List();
            }

            Interlocked.Increment(ref machine._seenElsewhere);
            return [.. inner.List().Select(pod => pod with { Address = address })];
        }

        public IAsyncEnumerable<string> WatchAsync(CancellationToken cancellationToken) => inner.WatchAsync(cancellationToken);

        public IAsyncEnumerable<LogLine> ReadLogsAsync(string podId, LogQuery query, CancellationToken cancellationToken) => inner.ReadLogsAsync(podId, query, cancellationToken);

        public Task<ExecResult> ExecAsync(string podId, string container, IReadOnlyList<string> command, TimeSpan timeout, CancellationToken cancellationToken) =>
            inner.ExecAsync(podId, container, command, timeout, cancellationToken);

        public Task<PodUsage?> GetUsageAsync(string podId, CancellationToken cancellationToken) => inner.GetUsageAsync(podId, cancellationToken);

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
