using System.Net;
using System.Net.Sockets;
using Cortex.Gateway.Routing;
using Cortex.Gateway.Tests.Support;
using Cortex.Routing;

namespace Cortex.Gateway.Tests.Forwarding;

/// <summary>Replicas and clients that misbehave.</summary>
public abstract class FailureTests(bool isHttp2) : ForwardingTests(isHttp2)
{
    private const string Ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

    [Fact]
    public async Task Replica_Refuses_AnotherOneAnswers()
    {
        await using var alive = RawUpstream.Answering(Ok);
        await using var gateway = await TestGateway.StartAsync(Routes.Api("api", 10, 10, Refusing("dead"), alive.Address("alive")));

        for (var i = 0; i < 20; i++)
        {
            using var answer = await gateway.Client.PostAsync("api", new StringContent("body"));
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }

        Assert.Equal(new ApiTraffic(0, 0), gateway.Server.GetTraffic("api"));
    }

    [Fact]
    public async Task Replicas_AllRefuse_Is502WithEmptyBody()
    {
        await using var gateway = await TestGateway.StartAsync(Routes.Api("api", 10, 10, Refusing("a"), Refusing("b")));

        using var answer = await gateway.Client.GetAsync("api");

        Assert.Equal(HttpStatusCode.BadGateway, answer.StatusCode);
        Assert.Equal("", await answer.Content.ReadAsStringAsync());
        Assert.Equal(new ApiTraffic(0, 0), gateway.Server.GetTraffic("api"));
    }

    [Fact]
    public async Task Replica_NeverAcceptsWithinConnectTimeout_AnotherOneAnswers()
    {
        // A listener whose queue is full drops further connection attempts.
        using var full = new Socket(SocketType.Stream, ProtocolType.Tcp);
        full.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        full.Listen(0);
        var port = ((IPEndPoint)full.LocalEndPoint!).Port;
        var fillers = new List<Socket>();
        for (var i = 0; i < 4; i++)
        {
            var filler = new Socket(SocketType.Stream, ProtocolType.Tcp);
            fillers.Add(filler);
            _ = filler.ConnectAsync(IPAddress.Loopback, port).ContinueWith(static _ => { }, TaskScheduler.Default);
        }

        await using var alive = RawUpstream.Answering(Ok);
        await using var gateway = await TestGateway.StartAsync(
            new GatewayOptions { ConnectTimeout = TimeSpan.FromMilliseconds(300) },
            Routes.Api("api", 1, 10, new ReplicaAddress("full", "127.0.0.1", port), alive.Address("alive")));

        Assert.Equal("ok", await gateway.Client.GetStringAsync("api"));
        fillers.ForEach(static filler => filler.Dispose());
    }

    [Theory]
    [InlineData("")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Le")]
    [InlineData("SSH-2.0-OpenSSH\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n")]
    [InlineData("HTTP/1.1 101 Switching Protocols\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nX: \u0001\r\n\r\n")]
    public async Task Replica_AnswersGarbage_Is502AndNotRepeated(string garbage)
    {
        var requests = 0;
        await using var replica = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            Interlocked.Increment(ref requests);
            await connection.SendAsync(garbage);
        });
        await using var gateway = await TestGateway.StartAsync(
            Routes.Api("api", 1, 1, replica.Address("a"), replica.Address("b")), Routes.Api("other", 1, 1, replica.Address("c")));

        using var answer = await gateway.Client.GetAsync("api");

        Assert.Equal(HttpStatusCode.BadGateway, answer.StatusCode);
        Assert.Equal("", await answer.Content.ReadAsStringAsync());
        Assert.Equal(1, requests);
        Assert.Equal(new ApiTraffic(0, 0), gateway.Server.GetTraffic("api"));
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\nContent-Type: application/json\nContent-Length: 8\n\n{\"a\": 1}")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\n{\"a\": 1}")]
    [InlineData("HTTP/1.0 200 OK\n\n{\"a\": 1}")]
    [InlineData("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n8\n{\"a\": 1}\n0\n\n")]
    public async Task Replica_EndsLinesWithLineFeedAlone_ItsAnswerIsTaken(string answer)
    {
        await using var replica = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            await connection.SendAsync(answer);
        });
        await using var gateway = await TestGateway.StartAsync(Routes.Api("api", 1, 1, replica.Address()));

        Assert.Equal("{\"a\": 1}", await gateway.Client.GetStringAsync("api"));
    }

    [Fact]
    public async Task Replica_HeadOfAnswerTooLarge_Is502()
    {
        await using var replica = RawUpstream.Answering("HTTP/1.1 200 OK\r\nX: " + new string('x', 100_000) + "\r\n\r\n");
        await using var gateway = await TestGateway.StartAsync(Routes.Api("api", 1, 1, replica.Address()));

        using var answer = await gateway.Client.GetAsync("api");

        Assert.Equal(HttpStatusCode.BadGateway, answer.StatusCode);
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nxyz")]
    public async Task Replica_ClosesHalfWay_ClientSeesNoCleanEnd(string half)
    {
        await using var replica = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            await connection.SendAsync(half);
        });
        await using var gateway = await TestGateway.StartAsync(Routes.Api("api", 1, 1, replica.Address()));
        using var client = await gateway.SendAsync("GET /api HTTP/1.1\r\nHost: a\r\n\r\n");

        var rest = await client.ReadRestAsync();

        Assert.DoesNotContain("0\r\n\r\n", rest);
        Assert.DoesNotContain("HTTP/1.1 5", rest);
        await Eventually.TrueAsync(() => gateway.Server.GetTraffic("api") == new ApiTraffic(0, 0), "the slot is free");
    }

    [Fact]
    public async Task Replica_ResetsAnswerEndedByClose_ClientSeesNoCleanEnd()
    {
        var read = new TaskCompletionSource();
        await using var replica = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            await connection.SendAsync("HTTP/1.1 200 OK\r\n\r\nhalf");
            await read.Task.WithinLimit();
            connection.Reset();
        });
        await using var gateway = await TestGateway.StartAsync(Routes.Api("api", 1, 1, replica.Address()));
        using var client = await gateway.SendAsync("GET /api HTTP/1.1\r\nHost: a\r\n\r\n");
        await client.ReadUntilAsync("half");
        read.SetResult();

        Assert.DoesNotContain("0\r\n\r\n", await client.ReadRestAsync());
    }

    [Fact]
    public async Task Replica_HangsAndClientLeaves_RequestIsAbortedAndSlotFree()
    {
        var arrived = new TaskCompletionSource();
        var aborted = new TaskCompletionSource();
        await using var replica = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            arrived.SetResult();
            await connection.ReadRestAsync();
            aborted.SetResult();
        });
        await using var gateway = await TestGateway.StartAsync(Routes.Api("api", 1, 1, replica.Address()));
        using var client = await gateway.SendAsync("GET /api HTTP/1.1\r\nHost: a\r\n\r\n");
        await arrived.Task.WithinLimit();
        Assert.Equal(new ApiTraffic(1, 0), gateway.Server.GetTraffic("api"));

        client.Dispose();

        await aborted.Task.WithinLimit();
        await Eventually.TrueAsync(() => gateway.Server.GetTraffic("api") == new ApiTraffic(0, 0), "the slot is free");
    }

    [Fact]
    public async Task Replica_HangsOverIdleTimeout_Is504()
    {
        await using var replica = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            await connection.ReadRestAsync();
        });
        await using var gateway = await TestGateway.StartAsync(
            new GatewayOptions { IdleTimeout = TimeSpan.FromMilliseconds(200) }, Routes.Api("api", 1, 1, replica.Address()));

        using var answer = await gateway.Client.GetAsync("api");

        Assert.Equal(HttpStatusCode.GatewayTimeout, answer.StatusCode);
        Assert.Equal(new ApiTraffic(0, 0), gateway.Server.GetTraffic("api"));
    }

    [Fact]
    public async Task Replica_HangsWithinAnswerOverIdleTimeout_BreaksOff()
    {
        await using var replica = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            await connection.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
            await connection.ReadRestAsync();
        });
        await using var gateway = await TestGateway.StartAsync(
            new GatewayOptions { IdleTimeout = TimeSpan.FromMilliseconds(200) }, Routes.Api("api", 1, 1, replica.Address()));
        using var client = await gateway.SendAsync("GET /api HTTP/1.1\r\nHost: a\r\n\r\n");

        Assert.EndsWith("\r\n\r\nhalf", await client.ReadRestAsync());
    }

    [Fact]
    public async Task Replica_ClosesIdleConnection_NextRequestUsesANewOne()
    {
        var closed = new TaskCompletionSource();
        await using var replica = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            await connection.SendAsync(Ok);
            connection.EndSending();
            closed.TrySetResult();
            await connection.ReadRestAsync();
        });
        await using var gateway = await TestGateway.StartAsync(Routes.Api("api", 1, 1, replica.Address()));

        for (var i = 1; i <= 5; i++)
        {
            using var answer = await gateway.Client.PostAsync("api", new StringContent("x"));
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            await closed.Task.WithinLimit();
            await Task.Delay(50);   // lets the end of the stream reach the gateway, which nothing here can see
        }

        Assert.Equal(5, replica.Connections);
    }

    [Fact]
    public async Task Replica_ClosesReusedConnectionAfterRequest_Is502AndNotRepeated()
    {
        var requests = 0;
        await using var replica = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            Interlocked.Increment(ref requests);
            await connection.SendAsync(Ok);
            if (await connection.ReadHeadAsync() is not null)
            {
                Interlocked.Increment(ref requests);
            }
        });
        await using var gateway = await TestGateway.StartAsync(Routes.Api("api", 1, 1, replica.Address()));
        Assert.Equal("ok", await gateway.Client.GetStringAsync("api"));

        using var second = await gateway.Client.GetAsync("api");

        Assert.Equal(HttpStatusCode.BadGateway, second.StatusCode);
        Assert.Equal(2, requests);
    }

    [Fact]
    public async Task Replica_SpeaksUnasked_ItsConnectionIsNotUsedAgain()
    {
        await using var replica = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            await connection.SendAsync(Ok + "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison");
            await connection.ReadRestAsync();
        });
        await using var gateway = await TestGateway.StartAsync(Routes.Api("api", 1, 1, replica.Address()));

        Assert.Equal("ok", await gateway.Client.GetStringAsync("api"));
        Assert.Equal("ok", await gateway.Client.GetStringAsync("api"));
        Assert.Equal(2, replica.Connections);
    }

    [Fact]
    public async Task Replica_AnswersBeforeBodyEnds_ClientGetsTheAnswer()
    {
        await using var replica = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            await connection.SendAsync("HTTP/1.1 413 Too Big\r\nContent-Length: 4\r\n\r\nstop");
            await connection.ReadRestAsync();
        });
        await using var gateway = await TestGateway.StartAsync(Routes.Api("api", 1, 1, replica.Address()));
        using var client = await gateway.SendAsync("POST /api HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nbegin");

        Assert.StartsWith("HTTP/1.1 413 ", await client.ReadHeadAsync());
        Assert.Equal("stop", await client.ReadAsync(4));
        await Eventually.TrueAsync(() => gateway.Server.GetTraffic("api") == new ApiTraffic(0, 0), "the slot is free");
    }

    [Fact]
    public async Task Client_LeavesWithinBody_ReplicaSeesNoCleanEnd()
    {
        var seen = new TaskCompletionSource<string>();
        var begun = new TaskCompletionSource();
        await using var replica = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            await connection.ReadUntilAsync("begin");
            begun.SetResult();
            seen.SetResult(await connection.ReadRestAsync());
        });
        await using var gateway = await TestGateway.StartAsync(Routes.Api("api", 1, 1, replica.Address()));
        using var client = await gateway.SendAsync("POST /api HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbegin\r\n");
        await begun.Task.WithinLimit();

        client.Dispose();

        Assert.DoesNotContain("0\r\n\r\n", await seen.Task.WithinLimit());
        await Eventually.TrueAsync(() => gateway.Server.GetTraffic("api") == new ApiTraffic(0, 0), "the slot is free");
    }

    [Fact]
    public async Task Replica_LeavesRoutes_ItsIdleConnectionsAreClosedInOrder()
    {
        var ended = new TaskCompletionSource();
        await using var replica = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            await connection.SendAsync(Ok);
            Assert.Equal("", await connection.ReadToEndAsync());   // in order: servers report a reset as an error
            ended.SetResult();
        });
        await using var gateway = await TestGateway.StartAsync(
            new GatewayOptions { UpstreamIdleTimeout = TimeSpan.FromHours(1) }, Routes.Api("api", 1, 1, replica.Address()));
        Assert.Equal("ok", await gateway.Client.GetStringAsync("api"));

        gateway.Server.Apply(Routes.Snapshot());

        await ended.Task.WithinLimit();
    }

    [Fact]
    public async Task Replica_Unused_ItsConnectionsAreClosedInOrderAfterIdleTime()
    {
        var ended = new TaskCompletionSource();
        await using var replica = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            await connection.SendAsync(Ok);
            Assert.Equal("", await connection.ReadToEndAsync());   // in order: servers report a reset as an error
            ended.SetResult();
        });
        await using var gateway = await TestGateway.StartAsync(
            new GatewayOptions { UpstreamIdleTimeout = TimeSpan.FromMilliseconds(100) }, Routes.Api("api", 1, 1, replica.Address()));
        Assert.Equal("ok", await gateway.Client.GetStringAsync("api"));

        await ended.Task.WithinLimit();
    }

    [Fact]
    public async Task Api_OfHangingReplica_DoesNotHoldUpOthers()
    {
        var hang = new TaskCompletionSource();
        await using var hanging = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            await hang.Task.WithinLimit();
        });
        await using var fine = RawUpstream.Answering(Ok);
        await using var gateway = await TestGateway.StartAsync(
            Routes.Api("hanging", 1, 100, hanging.Address("h")), Routes.Api("fine", 1, 100, fine.Address("f")));
        var stuck = Enumerable.Range(0, 50).Select(_ => gateway.Client.GetAsync("hanging")).ToArray();
        await Eventually.TrueAsync(() => gateway.Server.GetTraffic("hanging") == new ApiTraffic(1, 49), "requests wait");

        for (var i = 0; i < 50; i++)
        {
            Assert.Equal("ok", await gateway.Client.GetStringAsync("fine"));
        }

        Assert.All(stuck, static task => Assert.False(task.IsCompleted));
        hang.SetResult();
        await Task.WhenAll(stuck).WithinLimit();
    }

    private static ReplicaAddress Refusing(string id)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return new ReplicaAddress(id, "127.0.0.1", ((IPEndPoint)socket.LocalEndPoint!).Port);
    }
}

public sealed class FailureOverHttp1Tests() : FailureTests(isHttp2: false);

public sealed class FailureOverHttp2Tests() : FailureTests(isHttp2: true);
