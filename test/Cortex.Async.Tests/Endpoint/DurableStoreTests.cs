using System.Net;
using System.Text;
using System.Text.Json;
using Cortex.Async.Callbacks;
using Cortex.Async.Endpoint;
using Cortex.Async.Tests.Callbacks;
using Cortex.Async.Tests.Support;
using Cortex.Queues;
using Cortex.Queues.Blobs;
using Cortex.Queues.Sqlite;
using Cortex.Routing;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;

namespace Cortex.Async.Tests.Endpoint;

/// <summary>The endpoint and the callbacks on the real store and a real folder of blobs.</summary>
public sealed class DurableStoreTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("cortex-async-").FullName;
    private FolderBlobStore _blobs = null!;
    private SqliteQueueStore _store = null!;
    private EndpointHost _host = null!;

    public async ValueTask InitializeAsync()
    {
        _blobs = new FolderBlobStore(Path.Combine(_folder, "blobs"));
        _store = await SqliteQueueStore.OpenAsync(
            Path.Combine(_folder, "queues.db"), new QueueStoreOptions(), _blobs, TimeProvider.System, NullLogger.Instance);
        _host = await EndpointHost.StartAsync(_store, callbacks: new CallbackOptions { AllowPrivateTargets = true });
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        await _blobs.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Post_PayloadBeyondAHundredMebibytes_GoesToDiskAndNotToMemory()
    {
        const long Length = 150L << 20;
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var held = 0L;

        using var answer = await _host.SendAsync(
            "POST", "iris", new StreamContent(new Zeros(Length, () => held = GC.GetTotalMemory(forceFullCollection: true) - before)), ("Idempotency-Key", "large"));

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        var message = await _host.LeaseAsync();
        Assert.Equal(Length, message.Payload.Length);
        await using var content = (await _store.Blobs.OpenAsync(message.Payload.Blob!, CancellationToken.None))!;
        var buffer = new byte[64 * 1024];
        var read = 0L;
        for (int count; (count = await content.ReadAsync(buffer)) > 0;)
        {
            read += count;
        }

        Assert.Equal(Length, read);
        Assert.True(held < Length / 3, $"{held} bytes were held near the end of the payload");
    }

    [Fact]
    public async Task Request_ThroughItsLife_IsToldFromTheStore()
    {
        var id = await _host.SubmitAsync("payload", ("X-Name", "value"));
        var again = await _host.SubmitAsync("other", ("Idempotency-Key", "k"));
        Assert.Equal(again, await _host.SubmitAsync("other", ("Idempotency-Key", "k")));
        Assert.Equal("in_queue", (await _host.GetAsync(id)).GetProperty("status").GetString());
        Assert.Equal("in_queue", (await _host.GetAsync(id, "?wait=100ms")).GetProperty("status").GetString());
        var waiting = _host.GetAsync(id, "?wait=55s");

        var message = await _host.LeaseAsync();
        Assert.Equal(id, message.Lease.Id.ToString());
        Assert.Equal("payload", Encoding.UTF8.GetString(message.Payload.Inline.Span));
        Assert.True(MessageHead.TryParse(message.Head, out var head));
        Assert.Contains("X-Name: value\r\n", Encoding.Latin1.GetString(head.HeaderLines.Span), StringComparison.Ordinal);
        Assert.Equal("in_progress", (await _host.GetAsync(id)).GetProperty("status").GetString());
        Assert.True(await _store.CompleteAsync(message.Lease, Body.Of("[1, 2]"u8.ToArray()), CancellationToken.None));

        Assert.Equal("[1, 2]", (await waiting).GetProperty("result").GetRawText());
        using var cancelled = await _host.SendAsync("DELETE", $"iris/{again}");
        Assert.Equal(HttpStatusCode.OK, cancelled.StatusCode);
        using var putBack = await _host.SendAsync("POST", $"iris/{again}/retry");
        Assert.Equal(HttpStatusCode.OK, putBack.StatusCode);
        var list = JsonDocument.Parse(await RequestList.ReadAsync(_store, "iris", default, CancellationToken.None)).RootElement.GetProperty("requests");
        Assert.Equal([again, id], list.EnumerateArray().Select(static request => request.GetProperty("id").GetString()));
    }

    [Fact]
    public async Task Post_OtherApisQueueMissing_Answers503AndLeavesNoBlob()
    {
        await _store.RetireAsync(EndpointHost.Queue, CancellationToken.None);

        using var answer = await _host.SendAsync("POST", "iris", new ByteArrayContent(new byte[200_000]));

        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.Empty(Files());
    }

    [Fact]
    public async Task LargePayloadAndResult_GoThroughTheFolder()
    {
        var payload = new byte[5_000_000];
        Random.Shared.NextBytes(payload);
        using var answer = await _host.SendAsync("POST", "iris", new ByteArrayContent(payload));
        var id = JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement.GetProperty("id").GetString()!;

        var message = await _host.LeaseAsync();
        await using (var stored = await _store.Blobs.OpenAsync(message.Payload.Blob!, CancellationToken.None))
        {
            var copy = new MemoryStream();
            await stored!.CopyToAsync(copy);
            Assert.Equal(payload, copy.ToArray());
        }

        var result = Encoding.ASCII.GetBytes("\"" + new string('r', 3_000_000) + "\"");
        var name = BlobNames.Result(message.Lease);
        await _store.Blobs.WriteAsync(name, new MemoryStream(result), CancellationToken.None);
        Assert.True(await _store.CompleteAsync(message.Lease, Body.InBlob(name, result.Length), CancellationToken.None));

        Assert.Equal(3_000_000, (await _host.GetAsync(id)).GetProperty("result").GetString()!.Length);
    }

    [Theory]
    [InlineData("Content-Length: 5000000\r\n\r\n")]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n4C4B40\r\n")]
    public async Task Post_ClientLeavesMidway_LeavesNoFile(string framing)
    {
        using var client = await RawClient.SendAsync(_host.EndPoint, "POST /iris HTTP/1.1\r\nHost: x\r\n" + framing + new string('x', 200_000));
        await Eventually.TrueAsync(() => Files().Length == 1, "the payload is being written");

        client.Reset();

        await Eventually.TrueAsync(() => Files().Length == 0, "nothing is left");
        Assert.Equal(0, (await _store.CountAsync(EndpointHost.Queue, CancellationToken.None)).Waiting);
    }

    [Fact]
    public async Task Callback_FailedThenDelivered_IsToldWithTheRequest()
    {
        await using var receiver = await Receiver.StartAsync();
        receiver.Answer = static http =>
        {
            http.Response.StatusCode = 503;
            return Task.CompletedTask;
        };
        var options = new CallbackOptions { AllowPrivateTargets = true, Backoff = TimeSpan.FromMilliseconds(50) };
        await using var deliverer = new CallbackDeliverer(
            _store, options, new TargetRules(options), static _ => EndpointHost.Route(new QueuePolicy()), TimeProvider.System, NullLogger.Instance);
        await deliverer.StartAsync(CancellationToken.None);
        var id = await _host.SubmitAsync("{}", ("X-Cortex-Callback-URL", receiver.Url));
        Assert.Equal("pending", (await _host.GetAsync(id)).GetProperty("callback").GetProperty("status").GetString());
        await _host.CompleteNextAsync("17");
        await receiver.CountAsync(2);

        receiver.Answer = static _ => Task.CompletedTask;

        var watch = System.Diagnostics.Stopwatch.StartNew();
        JsonElement callback;
        while ((callback = (await _host.GetAsync(id)).GetProperty("callback")).GetProperty("status").GetString() == "pending")
        {
            Assert.True(watch.Elapsed < Eventually.Limit, "the callback is delivered");
            await Task.Delay(10);
        }

        Assert.Equal("delivered", callback.GetProperty("status").GetString());
        Assert.Equal(receiver.Url, callback.GetProperty("url").GetString());
        Assert.Equal(503, callback.GetProperty("attempts")[0].GetProperty("status_code").GetInt32());
        var got = JsonDocument.Parse(receiver.Requests.Last().Body).RootElement;
        Assert.Equal(17, got.GetProperty("result").GetInt32());
        Assert.Equal(id, got.GetProperty("id").GetString());
    }

    private string[] Files() => Directory.GetFiles(Path.Combine(_folder, "blobs"), "*", SearchOption.AllDirectories);

    private sealed class Zeros(long length, Action nearTheEnd) : ReadOnceStream
    {
        private long _left = length;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var count = (int)Math.Min(buffer.Length, _left);
            buffer.Span[..count].Clear();
            if (_left > 1 << 20 && _left - count <= 1 << 20)
            {
                nearTheEnd();
            }

            _left -= count;
            return ValueTask.FromResult(count);
        }
    }
}
