using System.Collections.Concurrent;
using Cortex.Gateway.Replicas;
using Cortex.Queues;
using Cortex.Routing;
using Microsoft.Extensions.Logging;

namespace Cortex.Dispatch.Workers;

/// <summary>Works off queues whose answers are not kept, such as those of batch jobs: each message is POSTed to a worker until one answers with 200.</summary>
/// <remarks>Calls have no timeout. What a queue becomes is its owner's affair: nothing is configured, retired or deleted here.</remarks>
public sealed class WorkService : IAsyncDisposable
{
    private readonly IQueueStore _store;
    private readonly DispatchOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CallKeeper _calls;
    private readonly ConcurrentDictionary<QueueWork, bool> _queues = new();

    /// <summary>Makes a service without queues.</summary>
    /// <param name="store">Keeps the messages; disposed of after the service.</param>
    /// <param name="options">How messages are brought to workers.</param>
    /// <param name="time">The clock.</param>
    /// <param name="loggers">Makes its logger.</param>
    /// <exception cref="ArgumentException">A limit is out of range; the message names every one.</exception>
    public WorkService(IQueueStore store, DispatchOptions options, TimeProvider time, ILoggerFactory loggers)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Validate() is { Count: > 0 } errors)
        {
            throw new ArgumentException(string.Join("; ", errors));
        }

        (_store, _options, _time, _logger) = (store, options, time, loggers.CreateLogger<WorkService>());
        _calls = new CallKeeper(store, options, time, _logger, () => _queues.Keys.Select(static queue => queue.Dispatcher));
    }

    /// <summary>Begins to look after calls in progress.</summary>
    public void Start() => _calls.Start();

    /// <summary>Begins to work off a queue, as soon as it has workers.</summary>
    /// <param name="settings">How.</param>
    /// <param name="onEnd">Told of each message that is final, once the store has it so; from any thread; must not block or throw.</param>
    public QueueWork Open(WorkSettings settings, Action<MessageEnd> onEnd)
    {
        ArgumentNullException.ThrowIfNull(settings);
        var policy = new QueuePolicy
        {
            MaxAttempts = settings.MaxAttempts,
            RetryBackoff = settings.RetryBackoff,
            RetryBackoffMax = settings.RetryBackoffMax,
            MaxLostAttempts = settings.MaxLostAttempts,
            Timeout = Timeout.InfiniteTimeSpan,
        };
        var dispatcher = new Dispatcher(settings.Name, settings.Queue, _store, new WorkerCallFormat(settings.HeaderLines), _options, _time, _logger, onEnd);
        var queue = new QueueWork(this, dispatcher, policy);
        _queues[queue] = true;
        return queue;
    }

    /// <summary>POSTs to one worker, once, and waits for its answer as long as it takes.</summary>
    /// <param name="worker">The worker.</param>
    /// <param name="path">Begins with a slash.</param>
    /// <param name="headerLines">As <see cref="WorkSettings.HeaderLines"/>.</param>
    /// <param name="body">The request's body.</param>
    /// <param name="cancellationToken">Breaks the call off.</param>
    public async Task<WorkerAnswer> PostAsync(
        ReplicaAddress worker, string path, ReadOnlyMemory<byte> headerLines, ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(worker);
        using var client = new ReplicaClient(new ReplicaAddress(worker.Id, worker.Host, worker.Port), _options.Connections, _time);
        await using var call = client.Call();
        await using var abort = cancellationToken.Register(call.Abort);
        try
        {
            await call.OpenAsync(client.Host, path);
            call.AddHeaderLines(headerLines.Span);
            await call.SendAsync(body);
            while (await call.ReadAsync() is { IsEmpty: false })
            {
            }

            return new WorkerAnswer(call.Status, false, "");
        }
        catch (Exception e) when (e is UpstreamUnreachableException or BadUpstreamAnswerException && !cancellationToken.IsCancellationRequested)
        {
            return new WorkerAnswer(null, e is UpstreamUnreachableException, e.Message);
        }
    }

    /// <summary>Takes no more messages, lets calls in progress end within <see cref="DispatchOptions.StopTime"/> and puts the others back.</summary>
    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_queues.Keys.Select(queue => queue.CloseAsync(_options.StopTime)));
        await _calls.DisposeAsync();
    }

    internal void Remove(QueueWork queue) => _queues.TryRemove(queue, out _);
}
