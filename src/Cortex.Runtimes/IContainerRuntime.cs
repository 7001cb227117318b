namespace Cortex.Runtimes;

/// <summary>Runs pods on one backend. Every call is safe to repeat.</summary>
/// <remarks>
/// The runtime owns everything that Kubernetes' kubelet would own: finding room, pulling images, starting the
/// containers of a pod, probing them, restarting one that exits (with backoff), and stopping them in order. Its state
/// survives the process: what was created is found again by <see cref="StartAsync"/> of the next process.
/// </remarks>
public interface IContainerRuntime : IAsyncDisposable
{
    /// <summary>Connects, adopts every pod of this cluster that an earlier process created, and begins to supervise.</summary>
    /// <exception cref="RuntimeUnavailableException">The backend can't be reached; the message says how to mend it.</exception>
    Task StartAsync(CancellationToken cancellationToken);

    /// <summary>What is wrong with the backend; null while it answers. Cheap: it answers from memory.</summary>
    RuntimeTrouble? Trouble { get; }

    /// <summary>What the machine offers to pods and what of it is taken, as last known: it does not wait for a backend that is silent.</summary>
    Task<RuntimeCapacity> GetCapacityAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Makes the pod wanted and returns as soon as that is recorded; its progress shows in <see cref="List"/>.
    /// A pod that does not fit stays <see cref="PodState.Pending"/> with a reason and starts when there is room, which goes first to
    /// the API, and in it to the job, that holds the least.
    /// Creating a pod whose id exists changes nothing.
    /// </summary>
    Task CreateAsync(PodDefinition pod, CancellationToken cancellationToken);

    /// <summary>
    /// Ends a pod: runs its <c>pre_stop</c> hooks, sends SIGTERM, sends SIGKILL when the grace period has passed, and
    /// removes everything that belonged to it. Returns when it is gone. A pod that does not exist is no error.
    /// </summary>
    /// <param name="podId">The pod's id.</param>
    /// <param name="grace">From the call to SIGKILL, the hooks included; zero kills at once.</param>
    /// <param name="cancellationToken">Stops waiting, not the deletion.</param>
    Task DeleteAsync(string podId, TimeSpan grace, CancellationToken cancellationToken);

    /// <summary>
    /// Halts every process of a pod that is <see cref="PodState.Ready"/>. It keeps its memory and GPUs, and its processor
    /// reservation is free for others; no probe runs. The caller has seen to it that no request is in progress. It stays
    /// frozen over restarts of this process, until it is thawed or deleted, or one of its containers ends or is let go on by
    /// hand.
    /// </summary>
    /// <param name="podId">The pod's id.</param>
    /// <param name="cancellationToken">
    /// Gives it up as long as no process is halted, for instance while a probe's command runs: then the pod is as it was before.
    /// </param>
    /// <returns>Whether it is frozen now, also when it was before; false when it is not ready, or there is no such pod.</returns>
    /// <exception cref="RuntimeUnavailableException">The backend can't do it; the pod goes on as before.</exception>
    Task<bool> FreezeAsync(string podId, CancellationToken cancellationToken);

    /// <summary>
    /// Lets a frozen pod go on. It is ready at once, without waiting for a probe, and its processor reservation counts again,
    /// even where others have taken that room meanwhile: processors are shared.
    /// </summary>
    /// <returns>Whether it was frozen; false when it was not, or there is no such pod.</returns>
    /// <exception cref="RuntimeUnavailableException">The backend can't do it; the pod stays frozen.</exception>
    Task<bool> ThawAsync(string podId, CancellationToken cancellationToken);

    /// <summary>Every pod of this cluster, also those created by an earlier process. Cheap: it answers from memory.</summary>
    IReadOnlyList<PodStatus> List();

    /// <summary>
    /// Yields the id of a pod whenever its status has changed, until cancelled. Changes that follow each other closely
    /// may be merged into one; the reader looks the status up in <see cref="List"/>.
    /// </summary>
    IAsyncEnumerable<string> WatchAsync(CancellationToken cancellationToken);

    /// <summary>The lines that a pod's containers have written, oldest first.</summary>
    IAsyncEnumerable<LogLine> ReadLogsAsync(string podId, LogQuery query, CancellationToken cancellationToken);

    /// <summary>Runs a command inside a running container and waits for its end, at most <paramref name="timeout"/>.</summary>
    Task<ExecResult> ExecAsync(string podId, string container, IReadOnlyList<string> command, TimeSpan timeout, CancellationToken cancellationToken);

    /// <summary>What the pod's containers use at this moment; null when the pod does not run.</summary>
    Task<PodUsage?> GetUsageAsync(string podId, CancellationToken cancellationToken);
}
