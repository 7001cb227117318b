using System.Text;
using Cortex.Async.Answers;
using Cortex.Async.Tests.Dispatch.Support;
using Cortex.Dispatch;
using Cortex.Gateway.Tests.Support;
using Cortex.Queues;
using Cortex.Routing;

namespace Cortex.Async.Tests.Dispatch;

/// <summary>Containers that live and answer badly: the request fails, and says why.</summary>
public sealed class BadAnswerTests
{
    [Theory]
    [InlineData("HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\nboom", "bad_status", 500, "boom")]
    [InlineData("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "bad_status", 404, "")]
    [InlineData("HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", "bad_status", 302, "")]
    [InlineData("HTTP/1.1 500 Oops\r\nContent-Length: 400\r\nConnection: close\r\n\r\nhalf of it", "bad_status", 500, "half of it")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\n{}", "bad_content_type", 200, "{}")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "bad_content_type", 200, "{}")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n??", "bad_content_type", 200, "??")]
    [InlineData("HTTP/1.1 204 No Content\r\n\r\n", "not_json", 204, "")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 0\r\n\r\n", "not_json", 200, "")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\nhello", "not_json", 200, "hello")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 4\r\n\r\n[1,2", "not_json", 200, "[1,2")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\n{} {}", "not_json", 200, "{} {}")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n1\r\nx\r\n0\r\n\r\n", "not_json", 200, "{}x")]
    public async Task Call_AnswerIsNoResult_FailsWithItsReason(string answer, string reason, int status, string shown)
    {
        await using var container = answer.Contains("Connection: close", StringComparison.Ordinal) ? Container.AnsweringOnce(answer) : Container.Answering(answer);
        await using var service = await TestService.StartAsync();
        service.Add("r1", container.Port);

        var record = await service.RunAsync();

        Assert.Equal(MessageStatus.Failed, record.Status);
        var attempt = Assert.Single(record.Attempts);
        Assert.Equal((reason, status, shown, "r1"), (attempt.Reason, attempt.StatusCode, attempt.Answer, attempt.Worker));
        Assert.NotEmpty(attempt.Message);
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n{\"half\":")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{\"half\":")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Ty")]
    [InlineData("")]
    [InlineData("what?")]
    public async Task Call_HalfAnAnswerOfALivingReplica_FailsAsBrokenAnswer(string answer)
    {
        await using var container = Container.AnsweringOnce(answer);
        await using var service = await TestService.StartAsync();
        service.Add("r1", container.Port);

        var record = await service.RunAsync();

        Assert.Equal(MessageStatus.Failed, record.Status);
        Assert.Equal(("broken_answer", 0), (Assert.Single(record.Attempts).Reason, record.LostAttempts));
    }

    [Theory]
    [InlineData("{\"a\": 1}\n{}", "byte 10, line 2: '{' follows the value")]
    [InlineData("{a: 1}", "byte 2, line 1: 'a' stands where a name in double quotes belongs")]
    [InlineData("[NaN]", "byte 2, line 1: 'N' begins no value")]
    [InlineData("[1,\n2", "it ends within a value, behind byte 5, line 2")]
    public async Task Call_AnswerIsNotJson_SaysWhereAndKeepsTheBody(string body, string problem)
    {
        await using var container = Container.Answering($"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}");
        await using var service = await TestService.StartAsync();
        service.Add("r1", container.Port);

        var record = await service.RunAsync();

        Assert.Equal($"the container's answer is not one JSON value: {problem}", Assert.Single(record.Attempts).Message);
        Assert.Equal(body, Encoding.UTF8.GetString(record.Answer!.Value.Inline.Span));
    }

    [Fact]
    public async Task Call_LargeAnswerIsNotJson_IsKeptAsABlobByTheLastAttemptAlone()
    {
        var body = "{} " + new string('x', 300_000);
        await using var container = Container.Answering($"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}");
        await using var service = await TestService.StartAsync();
        service.Policy = new QueuePolicy { MaxAttempts = 2, RetryBackoff = TimeSpan.Zero };
        service.Add("r1", container.Port);

        var record = await service.RunAsync();

        Assert.Equal((2, body.Length), (record.Attempts.Count, record.Answer!.Value.Length));
        await using var kept = await service.Store.Blobs.OpenAsync(record.Answer.Value.Blob!, CancellationToken.None);
        using var text = new StreamReader(kept!);
        Assert.Equal(body, await text.ReadToEndAsync(TestContext.Current.CancellationToken));
        var blobs = 0;
        await foreach (var blob in service.Store.Blobs.ListAsync(CancellationToken.None))
        {
            blobs++;
        }

        Assert.Equal(1, blobs);
    }

    [Fact]
    public async Task Call_ConnectionIsReset_FailsAsBrokenAnswer()
    {
        await using var container = Container.Of(static (connection, _, _) =>
        {
            connection.Reset();
            return Task.CompletedTask;
        });
        await using var service = await TestService.StartAsync();
        service.Add("r1", container.Port);

        Assert.Equal("broken_answer", Assert.Single((await service.RunAsync()).Attempts).Reason);
    }

    [Fact]
    public async Task Call_LongErrorAnswer_ShowsItsFirstKilobyte()
    {
        await using var container = Container.Answering($"HTTP/1.1 500 Oops\r\nContent-Length: 100000\r\n\r\n{new string('x', 100_000)}");
        await using var service = await TestService.StartAsync();
        service.Add("r1", container.Port);

        Assert.Equal(new string('x', 1024), Assert.Single((await service.RunAsync()).Attempts).Answer);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Call_EndlessAnswer_IsTooLargeAndOthersAreNotDisturbed(bool announced)
    {
        const long Size = 1 << 30;
        await using var container = Container.Of(async (connection, _, body) =>
        {
            if (body == "small")
            {
                await connection.SendAsync(Container.Answer);
                return;
            }

            await connection.SendAsync(announced
                ? $"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {Size}\r\n\r\n\""
                : "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n\"");
            var part = Encoding.ASCII.GetBytes(new string('x', 1 << 20));
            for (long sent = 0; sent < Size; sent += part.Length)
            {
                await connection.SendAsync(part);   // throws when the connection is closed
            }

            Assert.Fail("the whole answer was taken");
        });
        await using var service = await TestService.StartAsync();
        service.MaxConcurrency = 4;
        service.Policy = new QueuePolicy { MaxResult = 3 << 20 };
        service.Add("r1", container.Port);

        var large = await service.SubmitAsync("large");
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal(MessageStatus.Completed, (await service.RunAsync("small")).Status);
        }

        var record = await service.FinalAsync(large);
        Assert.Equal("answer_too_large", Assert.Single(record.Attempts).Reason);
        Assert.Empty(service.Store.Memory.All);
        Assert.InRange(service.Store.Memory.Written, 0, 3 << 20);
    }

    [Fact]
    public async Task Call_Hangs_TimesOutWhileOthersGoOn()
    {
        await using var container = Container.Of(async (connection, _, body) =>
        {
            if (body != "hang")
            {
                await connection.SendAsync(Container.Answer);
            }
            else
            {
                Assert.Equal("", await connection.ReadRestAsync());   // until it is closed
            }
        });
        await using var service = await TestService.StartAsync();
        service.MaxConcurrency = 2;
        service.Policy = new QueuePolicy { Timeout = TimeSpan.FromSeconds(1) };
        service.Add("r1", container.Port);

        var hanging = await service.SubmitAsync("hang");
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal(MessageStatus.Completed, (await service.RunAsync("go")).Status);
        }

        var attempt = Assert.Single((await service.FinalAsync(hanging)).Attempts);
        Assert.Equal("timeout", attempt.Reason);
        Assert.InRange(attempt.Ended - attempt.Started, TimeSpan.FromSeconds(0.99), Eventually.Limit);
    }

    [Fact]
    public async Task Call_TimeoutOfAnHour_PassesOnTheClockOnly()
    {
        var time = new ManualTime();
        var asked = new TaskCompletionSource();
        await using var container = Container.Of((_, _, _) =>
        {
            asked.SetResult();
            return Task.CompletedTask;
        });
        await using var service = await TestService.StartAsync(time, TestService.Quick with { SweepInterval = TimeSpan.FromSeconds(1) });
        service.Policy = new QueuePolicy { Timeout = TimeSpan.FromHours(1) };
        service.Add("r1", container.Port);
        var id = await service.SubmitAsync();
        await asked.Task.WithinLimit();

        time.Advance(TimeSpan.FromMinutes(59));
        Assert.Equal(MessageStatus.Leased, (await service.NowAsync(id)).Status);
        time.Advance(TimeSpan.FromMinutes(2));

        await Eventually.TrueAsync(() => service.NowAsync(id).Result.Status == MessageStatus.Failed, "it timed out");
        Assert.Equal("timeout", Assert.Single((await service.NowAsync(id)).Attempts).Reason);
        Assert.True(service.Store.Extensions > 100, "its lease was extended all the time");
    }

    [Fact]
    public async Task Call_FailsTwiceOfThree_IsTriedAgainAndCompleted()
    {
        var calls = 0;
        await using var container = Container.Of(async (connection, _, _) =>
            await connection.SendAsync(Interlocked.Increment(ref calls) < 3 ? "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n" : Container.Answer));
        await using var service = await TestService.StartAsync();
        service.Policy = new QueuePolicy { MaxAttempts = 3, RetryBackoff = TimeSpan.FromMilliseconds(10) };
        service.Add("r1", container.Port);

        var record = await service.RunAsync();

        Assert.Equal((MessageStatus.Completed, 2, 3), (record.Status, record.FailedAttempts, calls));
    }

    [Fact]
    public async Task Call_PayloadIsGone_FailsForGood()
    {
        await using var container = Container.Answering(Container.Answer);
        await using var service = await TestService.StartAsync();
        service.Policy = new QueuePolicy { MaxAttempts = 5 };
        service.Add("r1", container.Port);

        var record = await service.FinalAsync(await service.SubmitAsync(Body.InBlob("gone", 5)));

        Assert.Equal((MessageStatus.Failed, "payload_missing"), (record.Status, Assert.Single(record.Attempts).Reason));
        Assert.Equal(0, container.Connections);
    }

    [Theory]
    [InlineData("application/json", true)]
    [InlineData("Application/JSON; charset=utf-8", true)]
    [InlineData("application/problem+json", true)]
    [InlineData("application/json;x", true)]
    [InlineData("application/jsonx", false)]
    [InlineData("text/json", false)]
    [InlineData("", false)]
    public void IsJson_ContentType_IsJudgedByItsType(string contentType, bool expected) => Assert.Equal(expected, AnswerReader.IsJson(contentType));
}
