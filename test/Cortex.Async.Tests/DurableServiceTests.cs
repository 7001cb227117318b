using System.Text;
using Cortex.Dispatch;
using Cortex.Async.Tests.Dispatch.Support;
using Cortex.Gateway.Tests.Support;
using Cortex.Queues;
using Cortex.Queues.Sqlite;
using Cortex.Routing;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;

namespace Cortex.Async.Tests;

/// <summary>The whole data plane on the embedded store: HTTP handler, queue, dispatcher and container.</summary>
public sealed class DurableServiceTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("cortex-async").FullName;
    private readonly MemoryBlobs _blobs = new();

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Submit_ServerStopsInTheMidst_TheNextOneCompletesEveryRequestOnce()
    {
        const int Requests = 200;
        var hang = true;
        await using var container = Container.Of(async (connection, _, body) =>
        {
            if (Volatile.Read(ref hang) && body.EndsWith('7'))
            {
                await connection.ReadRestAsync();   // until the server stops
                return;
            }

            await connection.SendAsync(Container.Json($"[{body}]"));
        });
        var ids = new List<string>();
        await using (var store = await OpenAsync())
        {
            await using var service = await StartAsync(store, new DispatchOptions { StopTime = TimeSpan.FromMilliseconds(100) });
            var handler = service.Apply(Snapshot(container.Port))[0].Handler;
            await Eventually.TrueAsync(() => SendAsync(handler, "GET", "/healthz").Result.Status == 200, "the API takes requests");
            for (var i = 0; i < Requests; i++)
            {
                var (status, text) = await SendAsync(handler, "POST", "", $"{i}");
                Assert.Equal(200, status);
                ids.Add(text.Split('"')[3]);
            }
        }

        Volatile.Write(ref hang, false);
        await using (var store = await OpenAsync())
        {
            await using var service = await StartAsync(store, new DispatchOptions());
            var handler = service.Apply(Snapshot(container.Port))[0].Handler;
            await Eventually.TrueAsync(() => SendAsync(handler, "GET", "/healthz").Result.Status == 200, "the API takes requests");
            for (var i = 0; i < Requests; i++)
            {
                var (_, text) = await SendAsync(handler, "GET", $"/{ids[i]}", query: "?wait=60s");
                Assert.Contains("\"status\":\"completed\"", text, StringComparison.Ordinal);
                Assert.Contains($"\"result\":[{i}]", text, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public async Task Start_ApiWasDeletedByAServerThatDied_RetiresItsQueue()
    {
        await using var store = await OpenAsync();
        await store.ConfigureAsync("async/echo", new QueueSettings(TimeSpan.FromHours(1)), default);
        await store.ConfigureAsync("async/deleted", new QueueSettings(TimeSpan.FromHours(1)), default);
        await using var service = await StartAsync(store, new DispatchOptions());
        service.Apply(Snapshot(1));

        await Eventually.TrueAsync(() => store.ListQueuesAsync("async/", default).AsTask().Result is ["async/echo"], "the queue of the deleted API is out of use");
    }

    private static List<AsyncRoute> Snapshot(int port) =>
    [
        new AsyncRoute
        {
            Name = "echo",
            Endpoint = "/echo",
            MaxConcurrency = 8,
            Policy = new QueuePolicy(),
            CallbackKey = Convert.ToBase64String(new byte[32]),
            Replicas = [new ReplicaAddress("r1", "127.0.0.1", port, 0)],
        },
    ];

    private static async Task<(int Status, string Text)> SendAsync(Cortex.Gateway.Routing.IEndpointHandler handler, string method, string path, string body = "", string query = "")
    {
        var http = new DefaultHttpContext();
        http.Request.Method = method;
        http.Request.Protocol = "HTTP/1.1";
        http.Request.ContentLength = body.Length;
        http.Request.Body = new MemoryStream(Encoding.UTF8.GetBytes(body));
        var answer = new MemoryStream();
        http.Response.Body = answer;
        var target = "/echo" + path + query;
        await handler.HandleAsync(http, target, 5, 5 + path.Length).WithinLimit();
        await http.Response.BodyWriter.FlushAsync();
        return (http.Response.StatusCode, Encoding.UTF8.GetString(answer.ToArray()));
    }

    private static async Task<AsyncService> StartAsync(IQueueStore store, DispatchOptions options)
    {
        var service = new AsyncService(store, new AsyncOptions(), options, new CallbackOptions(), NullLoggerFactory.Instance, TimeProvider.System);
        await service.StartAsync(TestContext.Current.CancellationToken);
        return service;
    }

    private Task<SqliteQueueStore> OpenAsync() =>
        SqliteQueueStore.OpenAsync(Path.Combine(_folder, "queues.db"), new QueueStoreOptions(), _blobs, TimeProvider.System, NullLogger.Instance);
}
