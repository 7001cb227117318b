using Cortex.Async.Tests.Dispatch.Support;
using Cortex.Gateway.Tests.Support;
using Cortex.Queues;
using Microsoft.AspNetCore.Http;

namespace Cortex.Async.Tests;

public sealed class AsyncServiceTests
{
    private static readonly string Queue = QueueNames.Of(TestService.Api);

    [Fact]
    public async Task Apply_StoreDoesNotAnswer_ReturnsAtOnceAndTheEndpointAnswers503UntilItDoes()
    {
        await using var service = await TestService.StartAsync();
        var broken = true;
        service.Store.Trouble = call =>
        {
            if (call == "configure" && Volatile.Read(ref broken))
            {
                throw new StoreUnavailableException("gone");
            }
        };

        var handler = Assert.Single(service.Service.Apply([service.Route()]));
        Assert.Equal((TestService.Api, "AsyncAPI", "/iris"), (handler.Name, handler.Kind, handler.Endpoint));
        Assert.Equal((503, "1"), await StatusAsync());

        Volatile.Write(ref broken, false);
        await Eventually.TrueAsync(() => StatusAsync().Result.Status == 200, "the endpoint takes requests");

        async Task<(int Status, string? RetryAfter)> StatusAsync()
        {
            var http = new DefaultHttpContext();
            http.Request.Method = "GET";
            await handler.Handler.HandleAsync(http, "/iris/healthz", 5, 13);
            return (http.Response.StatusCode, http.Response.Headers.RetryAfter);
        }
    }

    [Fact]
    public async Task Apply_ApiLeavesAndComesBack_ItsQueueIsRetiredAndGoesOn()
    {
        await using var container = Container.Answering(Container.Answer);
        await using var service = await TestService.StartAsync();
        service.Add("r1", container.Port);
        Assert.Equal(MessageStatus.Completed, (await service.RunAsync()).Status);

        service.Service.Apply([]);
        Assert.Null(service.Service.GetTraffic(TestService.Api));
        await Eventually.TrueAsync(() => service.Store.IsRetired(Queue), "its queue is out of use");

        service.Apply();
        Assert.Equal(MessageStatus.Completed, (await service.RunAsync()).Status);
        Assert.False(service.Store.IsRetired(Queue));
    }

    [Fact]
    public async Task GetTraffic_RequestsWaitAndAreInProgress_CountsThem()
    {
        var asked = new TaskCompletionSource();
        await using var container = Container.Of((_, _, _) =>
        {
            asked.SetResult();
            return Task.CompletedTask;
        });
        await using var service = await TestService.StartAsync(options: TestService.Quick with { StopTime = TimeSpan.Zero });
        Assert.Null(service.Service.GetTraffic(TestService.Api));
        service.Add("r1", container.Port);
        Assert.NotNull(service.Service.GetTraffic(TestService.Api));
        await service.SubmitAsync();
        await asked.Task.WithinLimit();
        await service.SubmitAsync();
        await service.SubmitAsync();

        await Eventually.TrueAsync(() => service.Service.GetTraffic(TestService.Api) is { InProgress: 1, Waiting: 2 }, "they are counted");

        using var writer = new StringWriter();
        service.Service.WriteMetrics(writer);
        var text = writer.ToString();
        const string Labels = "api_name=\"iris\",api_kind=\"AsyncAPI\"";
        Assert.Contains($"cortex_async_active{{{Labels}}} 1\n", text);
        Assert.Contains($"cortex_async_queued{{{Labels}}} 2\n", text);
        Assert.Contains($"cortex_async_in_flight{{{Labels}}} 3\n", text);
    }

    [Fact]
    public async Task WriteMetrics_AnswersOfSeveralStatuses_CountsEach()
    {
        await using var container = Container.Of(async (connection, _, body) =>
            await connection.SendAsync(body == "bad" ? "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n" : Container.Answer));
        await using var service = await TestService.StartAsync();
        service.Add("r1", container.Port);
        await service.RunAsync("good");
        await service.RunAsync("good");
        await service.RunAsync("bad");
        await Eventually.TrueAsync(() => service.Service.GetTraffic(TestService.Api) is { Answers: 3, AnswerTime.Ticks: > 0 }, "the traffic has them too");

        using var writer = new StringWriter();
        service.Service.WriteMetrics(writer);
        var text = writer.ToString();
        const string Labels = "api_name=\"iris\",api_kind=\"AsyncAPI\"";
        Assert.Contains($"cortex_async_request_count{{{Labels},status_code=\"200\"}} 2\n", text);
        Assert.Contains($"cortex_async_request_count{{{Labels},status_code=\"500\"}} 1\n", text);
        Assert.Contains($"cortex_async_latency_bucket{{{Labels},status_code=\"200\",le=\"+Inf\"}} 2\n", text);
        Assert.Contains($"cortex_async_latency_count{{{Labels},status_code=\"500\"}} 1\n", text);
    }

    [Fact]
    public void Constructor_OptionsOutOfRange_NamesEveryOne()
    {
        var error = Assert.Throws<ArgumentException>(static () => new AsyncService(
            new MemoryStore(TimeProvider.System), new AsyncOptions { InlineLimit = 1 }, new() { StopTime = TimeSpan.FromSeconds(-1) }, new CallbackOptions { Attempts = 0 },
            Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance, TimeProvider.System));
        Assert.Contains("InlineLimit", error.Message);
        Assert.Contains("StopTime", error.Message);
        Assert.Contains("Attempts", error.Message);
    }
}
