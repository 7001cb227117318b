using System.Text;
using Cortex.Async.Tests.Dispatch.Support;
using Cortex.Gateway.Tests.Support;
using Cortex.Queues;
using Cortex.Queues.Blobs;

namespace Cortex.Async.Tests.Dispatch;

/// <summary>Containers that answer as they should, each in its own way.</summary>
public sealed class DispatchTests
{
    [Fact]
    public async Task Call_GoodContainer_GetsTheRequestAsItWasSubmitted()
    {
        var seen = new TaskCompletionSource<(string Head, string Body)>();
        await using var container = Container.Of(async (connection, head, body) =>
        {
            seen.SetResult((head, body));
            await connection.SendAsync(Container.Json("""{"sum": 3}"""));
        });
        await using var service = await TestService.StartAsync();
        service.Add("r1", container.Port);

        var id = await service.SubmitAsync("1+2", ("Content-Type", "text/plain"), ("X-Mine", "a"), ("X-Mine", "b"), ("X-Cortex-Request-ID", "forged"));
        var record = await service.FinalAsync(id);

        Assert.Equal((MessageStatus.Completed, """{"sum": 3}"""), (record.Status, TestService.Text(record)));
        var (head, body) = await seen.Task;
        Assert.Equal("1+2", body);
        Assert.Equal(
            $"POST / HTTP/1.1\r\nHost: 127.0.0.1:{container.Port}\r\nContent-Type: text/plain\r\nX-Mine: a\r\nX-Mine: b\r\nX-Cortex-Request-ID: {id}\r\nContent-Length: 3", head);
    }

    [Theory]
    [InlineData("HTTP/1.1 201 Created\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: 4\r\n\r\ntrue", "true")]
    [InlineData("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}", "{}")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n[\r\n3;x=y\r\n1,2\r\n1\r\n]\r\n0\r\nTrailer: x\r\n\r\n", "[1,2]")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}", "{}")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{}", "{}")]
    [InlineData("HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n 5 ", " 5 ")]
    public async Task Call_AnyFraming_GivesTheResult(string answer, string result)
    {
        var closes = answer.Contains("close", StringComparison.Ordinal) || !answer.Contains("Length", StringComparison.Ordinal) && !answer.Contains("chunked", StringComparison.Ordinal);
        await using var container = closes ? Container.AnsweringOnce(answer) : Container.Answering(answer);
        await using var service = await TestService.StartAsync();
        service.Add("r1", container.Port);

        for (var i = 0; i < 3; i++)
        {
            var record = await service.RunAsync();
            Assert.Equal((MessageStatus.Completed, result), (record.Status, TestService.Text(record)));
        }

        // After an interim answer the connection isn't used again: more of that answer may still come.
        Assert.Equal(closes || answer.Contains("Continue", StringComparison.Ordinal) ? 3 : 1, container.Connections);
    }

    [Fact]
    public async Task Call_ContainerClosesUnusedConnections_LosesNothing()
    {
        await using var container = Container.AnsweringOnce(Container.Answer);   // says keep-alive and closes
        await using var service = await TestService.StartAsync();
        service.Add("r1", container.Port);

        for (var i = 0; i < 10; i++)
        {
            var id = await service.SubmitAsync();
            Assert.Equal(MessageStatus.Completed, (await service.FinalAsync(id)).Status);
            await Task.Delay(20, TestContext.Current.CancellationToken);   // for the end of the connection to arrive
        }
    }

    [Fact]
    public async Task Call_LargePayloadAndResult_GoThroughTheBlobStore()
    {
        var result = "\"" + new string('r', 1_000_000) + "\"";
        var length = 0;
        await using var container = Container.Of(async (connection, _, body) =>
        {
            length = body.Length;
            await connection.SendAsync(Container.Chunked(result[..300_000], result[300_000..]));
        });
        await using var service = await TestService.StartAsync();
        service.Store.Memory.All["payload"] = Encoding.ASCII.GetBytes(new string('p', 2_000_000));
        service.Add("r1", container.Port);

        var record = await service.FinalAsync(await service.SubmitAsync(Body.InBlob("payload", 2_000_000)));

        Assert.Equal((MessageStatus.Completed, 2_000_000), (record.Status, length));
        var body = record.Result!.Value;
        Assert.Equal(result.Length, body.Length);
        Assert.StartsWith(BlobNames.Payload(record.Id)[..41], body.Blob);
        Assert.Equal(result, Encoding.ASCII.GetString(service.Store.Memory.All[body.Blob!]));
    }

    [Fact]
    public async Task Call_LargeResultThatIsNotJson_LeavesOnlyTheAnswerThatIsKept()
    {
        await using var container = Container.Answering(Container.Json("[" + new string(' ', 500_000) + "}"));
        await using var service = await TestService.StartAsync();
        service.Add("r1", container.Port);

        var record = await service.RunAsync();

        Assert.Equal("not_json", Assert.Single(record.Attempts).Reason);
        Assert.Equal(record.Answer!.Value.Blob, Assert.Single(service.Store.Memory.All).Key);
    }

    [Theory]
    [InlineData(9_000)]
    [InlineData(60_000)]
    public async Task Call_AnswersBeforeTheBodyWasRead_TakesTheAnswer(int size)
    {
        await using var container = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            await connection.SendAsync("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig");
            await connection.ReadRestAsync();
        });
        await using var service = await TestService.StartAsync();
        service.Add("r1", container.Port);

        var attempt = Assert.Single((await service.RunAsync(new string('x', size))).Attempts);

        Assert.Equal(("bad_status", 413, "big"), (attempt.Reason, attempt.StatusCode, attempt.Answer));
    }

    [Fact]
    public async Task Call_ManyRequests_EachGetsItsOwnResult()
    {
        await using var container = Container.Of(async (connection, _, body) => await connection.SendAsync(Container.Json(body)));
        await using var service = await TestService.StartAsync();
        service.MaxConcurrency = 16;
        service.Add("r1", container.Port);

        var ids = new List<MessageId>();
        for (var i = 0; i < 500; i++)
        {
            ids.Add(await service.SubmitAsync($"{i}"));
        }

        for (var i = 0; i < ids.Count; i++)
        {
            Assert.Equal($"{i}", TestService.Text(await service.FinalAsync(ids[i])));
        }
    }
}
