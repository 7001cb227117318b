using System.Text;
using System.Text.Json;
using Cortex.Async.Callbacks;
using Cortex.Async.Endpoint;
using Cortex.Async.Tests.Support;
using Cortex.Queues;
using Cortex.Routing;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;

namespace Cortex.Async.Tests.Callbacks;

/// <summary>A deliverer at work on a store in memory, with a clock that the test moves.</summary>
internal sealed class CallbackHost : IAsyncDisposable
{
    private const string Queue = "async/iris";
    private CallbackDeliverer? _deliverer;

    private CallbackHost(CallbackOptions options) => Options = options;

    public static readonly byte[] Key = "0123456789abcdef0123456789abcdef"u8.ToArray();

    public ManualTime Time { get; private init; } = null!;

    public CallbackOptions Options { get; set; }

    public MemoryQueueStore Store { get; private init; } = null!;

    /// <summary>Whether the API is deployed.</summary>
    public bool IsDeployed { get; set; } = true;

    /// <summary>With receivers on this machine allowed, unless the options say otherwise.</summary>
    public static async Task<CallbackHost> StartAsync(CallbackOptions? options = null)
    {
        var time = new ManualTime();
        var host = new CallbackHost(options ?? new CallbackOptions { AllowPrivateTargets = true }) { Time = time, Store = new MemoryQueueStore(time) };
        await host.Store.ConfigureAsync(Queue, new QueueSettings(TimeSpan.FromHours(1)), CancellationToken.None);
        await host.StartAsync();
        return host;
    }

    public async Task StartAsync()
    {
        _deliverer = new CallbackDeliverer(Store, Options, new TargetRules(Options), Find, Time, NullLogger.Instance);
        await _deliverer.StartAsync(CancellationToken.None);
    }

    public async Task StopAsync()
    {
        await _deliverer!.DisposeAsync().AsTask().WaitAsync(Eventually.Limit);
        _deliverer = null;
    }

    /// <summary>Puts in a request that wants to be called back.</summary>
    public async Task<MessageId> SubmitAsync(string url)
    {
        var headers = new HeaderDictionary();
        Assert.True(MessageHead.TryMeasure(headers, "iris", url, out var length, out _));
        var head = new byte[length];
        MessageHead.Write(head, headers, "iris", url);
        var id = Store.NewId();
        await Store.EnqueueAsync(new NewMessage { Id = id, Queue = Queue, Head = head, FollowUpQueue = "callbacks" }, CancellationToken.None);
        return id;
    }

    /// <summary>Puts in a request that wants to be called back, and works it off.</summary>
    public async Task<MessageId> CompleteAsync(string url, string result = "{\"a\":1}")
    {
        var id = await SubmitAsync(url);
        Assert.True(await Store.CompleteAsync((await LeaseAsync()).Lease, Body.Of(Encoding.UTF8.GetBytes(result)), CancellationToken.None));
        return id;
    }

    public async Task<LeasedMessage> LeaseAsync() =>
        await Store.LeaseAsync(Queue, TimeSpan.FromMinutes(1), TimeSpan.Zero, CancellationToken.None) ?? throw new InvalidOperationException("no message is there");

    /// <summary>What clients see of the callback.</summary>
    public async Task<CallbackState> StateAsync(MessageId id) =>
        await CallbackState.ReadAsync(Store, (await Store.GetAsync(Queue, id, CancellationToken.None))!, CancellationToken.None) ?? throw new InvalidOperationException("no callback");

    /// <summary>Waits until clients see that it has failed so many times, or how it ended.</summary>
    public async Task<CallbackState> AttemptedAsync(MessageId id, int attempts)
    {
        CallbackState? state = null;
        await Eventually.TrueAsync(async () => (state = await StateAsync(id)).Attempts.Count >= attempts, $"{attempts} attempts");
        return state!;
    }

    public async Task<CallbackState> EndedAsync(MessageId id)
    {
        CallbackState? state = null;
        await Eventually.TrueAsync(async () => (state = await StateAsync(id)).Status != "pending", "the callback ended");
        return state!;
    }

    /// <summary>The document that clients get.</summary>
    public async Task<JsonElement> DocumentAsync(MessageId id)
    {
        var record = (await Store.GetAsync(Queue, id, CancellationToken.None))!;
        var document = RequestDocument.Of(record, await CallbackState.ReadAsync(Store, record, CancellationToken.None));
        return JsonDocument.Parse(document.Before).RootElement;
    }

    public async ValueTask DisposeAsync()
    {
        if (_deliverer is not null)
        {
            await StopAsync();
        }
    }

    private AsyncRoute? Find(string name) => !IsDeployed || name != "iris" ? null : new AsyncRoute
    {
        Name = name,
        Endpoint = "/iris",
        MaxConcurrency = 1,
        Policy = new QueuePolicy(),
        CallbackKey = Convert.ToBase64String(Key),
        Replicas = [],
    };
}
