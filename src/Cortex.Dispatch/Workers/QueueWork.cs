using Cortex.Routing;

namespace Cortex.Dispatch.Workers;

/// <summary>A queue that is being worked off: each worker has one message at a time.</summary>
public sealed class QueueWork
{
    private readonly WorkService _service;
    private readonly QueuePolicy _policy;

    internal QueueWork(WorkService service, Dispatcher dispatcher, QueuePolicy policy)
    {
        _service = service;
        Dispatcher = dispatcher;
        _policy = policy;
        Dispatcher.Start();
    }

    internal Dispatcher Dispatcher { get; }

    /// <summary>Whether no message is held.</summary>
    public bool IsIdle => Dispatcher.IsIdle;

    /// <summary>Swaps the workers. A call in progress on one that left goes on; when it breaks, its message goes to another one.</summary>
    public void Apply(IReadOnlyList<ReplicaAddress> workers) => Dispatcher.Apply(workers, maxConcurrency: 1, _policy);

    /// <summary>Takes no more messages, lets calls in progress end within a time and puts the messages of the others back. Once is enough.</summary>
    /// <param name="grace">The time; zero aborts calls at once.</param>
    public async Task CloseAsync(TimeSpan grace)
    {
        await Dispatcher.StopAsync(grace);
        Apply([]);   // closes connections
        _service.Remove(this);
    }
}
