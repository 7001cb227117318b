using System.Text;
using Cortex.Dispatch;
using Cortex.Queues;
using Cortex.Routing;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;

namespace Cortex.Async.Tests.Dispatch.Support;

/// <summary>A service with one API, whose requests the test puts into the store itself.</summary>
internal sealed class TestService : IAsyncDisposable
{
    public const string Api = "iris";
    private static readonly string Queue = QueueNames.Of(Api);
    private readonly Dictionary<string, ReplicaAddress> _replicas = [];

    private TestService(TimeProvider time, DispatchOptions options)
    {
        Store = new MemoryStore(time);
        Service = new AsyncService(Store, new AsyncOptions(), options, new CallbackOptions(), NullLoggerFactory.Instance, time);
    }

    public MemoryStore Store { get; }

    public AsyncService Service { get; }

    public QueuePolicy Policy { get; set; } = new();

    public int MaxConcurrency { get; set; } = 1;

    public static async Task<TestService> StartAsync(TimeProvider? time = null, DispatchOptions? options = null)
    {
        var service = new TestService(time ?? TimeProvider.System, options ?? Quick);
        await service.Service.StartAsync(TestContext.Current.CancellationToken);
        return service;
    }

    /// <summary>Options under which nothing waits long.</summary>
    public static DispatchOptions Quick { get; } = new()
    {
        SweepInterval = TimeSpan.FromMilliseconds(10),
        ReplicaEndWait = TimeSpan.FromMilliseconds(200),
        StorePause = TimeSpan.FromMilliseconds(5),
        Connections = new() { UnreachableReplicaPause = TimeSpan.FromMilliseconds(20) },
    };

    public void Add(string id, int port, int incarnation = 0)
    {
        _replicas[id] = new ReplicaAddress(id, "127.0.0.1", port, incarnation);
        Apply();
    }

    public void Remove(string id)
    {
        _replicas.Remove(id);
        Apply();
    }

    public void Apply() => Service.Apply([Route()]);

    public AsyncRoute Route() => new()
    {
        Name = Api,
        Endpoint = "/" + Api,
        MaxConcurrency = MaxConcurrency,
        Policy = Policy,
        CallbackKey = Convert.ToBase64String(new byte[32]),
        Replicas = [.. _replicas.Values],
    };

    public Task<MessageId> SubmitAsync(string payload = "{}", params (string Name, string Value)[] headers) => SubmitAsync(Body.Of(Encoding.UTF8.GetBytes(payload)), headers);

    public async Task<MessageId> SubmitAsync(Body payload, params (string Name, string Value)[] headers)
    {
        var id = Store.NewId();
        var http = new HeaderDictionary();
        foreach (var (name, value) in headers)
        {
            http.Append(name, value);
        }

        Assert.True(MessageHead.TryMeasure(http, Api, "", out var length, out var trouble), trouble);
        var head = new byte[length];
        length = MessageHead.Write(head, http, Api, "");
        await Eventually.TrueAsync(() => TryEnqueue(id, head.AsMemory(0, length), payload), "the queue is configured");
        return id;
    }

    /// <summary>Waits for a request's final state.</summary>
    public async Task<MessageRecord> FinalAsync(MessageId id)
    {
        var record = await Store.WaitAsync(Queue, id, Eventually.Limit, TestContext.Current.CancellationToken);
        Assert.NotNull(record);
        Assert.True(record.Status > MessageStatus.Leased, $"it is still {record.Status}");
        return record;
    }

    public async Task<MessageRecord> NowAsync(MessageId id) => (await Store.GetAsync(Queue, id, CancellationToken.None))!;

    public async Task<MessageRecord> RunAsync(string payload = "{}", params (string Name, string Value)[] headers) => await FinalAsync(await SubmitAsync(payload, headers));

    public static string Text(MessageRecord record) => Encoding.UTF8.GetString(record.Result!.Value.Inline.Span);

    public ValueTask DisposeAsync() => Service.DisposeAsync();

    private bool TryEnqueue(MessageId id, ReadOnlyMemory<byte> head, Body payload)
    {
        try
        {
            return Store.EnqueueAsync(new NewMessage { Id = id, Queue = Queue, Head = head, Payload = payload }, CancellationToken.None).Result.IsNew;
        }
        catch (InvalidOperationException)
        {
            return false;   // set up in the background
        }
    }
}
