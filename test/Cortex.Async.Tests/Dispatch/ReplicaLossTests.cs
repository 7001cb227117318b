using System.Net;
using System.Net.Sockets;
using Cortex.Dispatch;
using Cortex.Async.Tests.Dispatch.Support;
using Cortex.Queues;
using Cortex.Routing;

namespace Cortex.Async.Tests.Dispatch;

/// <summary>Replicas that die, leave or cannot be reached: the request is not at fault.</summary>
public sealed class ReplicaLossTests
{
    private static readonly DispatchOptions Patient = TestService.Quick with { ReplicaEndWait = TimeSpan.FromSeconds(30) };

    [Theory]
    [InlineData("")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n{\"half\":")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{\"half\":")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n")]
    public async Task Call_ReplicaDiesAndLeaves_AnotherOneGetsTheRequest(string half)
    {
        await using var dying = Container.AnsweringOnce(half);
        await using var living = Container.Answering(Container.Answer);
        await using var service = await TestService.StartAsync(options: Patient);
        service.Add("r1", dying.Port);
        var id = await service.SubmitAsync();
        await Eventually.TrueAsync(() => dying.Connections == 1, "the first replica works on it");

        service.Add("r2", living.Port);
        service.Remove("r1");

        var record = await service.FinalAsync(id);
        Assert.Equal((MessageStatus.Completed, 0, 1), (record.Status, record.FailedAttempts, record.LostAttempts));
        var attempt = Assert.Single(record.Attempts);
        Assert.Equal(("replica_lost", "r1"), (attempt.Reason, attempt.Worker));
    }

    [Theory]
    [InlineData("")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{\"half\":")]
    public async Task Call_ReplicaDiesAndNobodyTellsOfIt_AnotherOneGetsTheRequest(string half)
    {
        var asked = new TaskCompletionSource();
        var stopped = new TaskCompletionSource();
        await using var dying = Container.Of(async (connection, _, _) =>
        {
            asked.SetResult();
            await stopped.Task;
            await connection.SendAsync(half);
            connection.Reset();
        });
        await using var living = Container.Answering(Container.Answer);
        await using var service = await TestService.StartAsync();
        service.Add("r1", dying.Port);
        var id = await service.SubmitAsync();
        await asked.Task;
        service.Add("r2", living.Port);

        dying.StopListening();
        stopped.SetResult();

        var record = await service.FinalAsync(id);
        Assert.Equal((MessageStatus.Completed, 0, 1), (record.Status, record.FailedAttempts, record.LostAttempts));
        Assert.Equal(("replica_lost", "r1"), (Assert.Single(record.Attempts).Reason, record.Attempts[0].Worker));
    }

    [Fact]
    public async Task Call_ContainerIsStartedAgain_TheSameReplicaGetsTheRequestAgain()
    {
        var calls = 0;
        var service = await TestService.StartAsync(options: Patient);
        await using var container = Container.Of(async (connection, _, _) =>
        {
            if (Interlocked.Increment(ref calls) == 1)
            {
                connection.Reset();
                return;
            }

            await connection.SendAsync(Container.Answer);
        });
        await using (service)
        {
            service.Add("r1", container.Port);
            var id = await service.SubmitAsync();
            await Eventually.TrueAsync(() => calls == 1, "it was called");
            service.Add("r1", container.Port, incarnation: 1);

            var record = await service.FinalAsync(id);
            Assert.Equal((MessageStatus.Completed, 1, 2), (record.Status, record.LostAttempts, calls));
        }
    }

    [Fact]
    public async Task Call_KillsEveryReplica_FailsAtLastAsReplicaLost()
    {
        var incarnation = 0;
        var service = await TestService.StartAsync(options: Patient);
        await using (service)
        {
            await using var container = Container.Of((connection, _, body) =>
            {
                connection.Reset();
                service.Add("r1", service.Route().Replicas[0].Port, ++incarnation);
                return Task.CompletedTask;
            });
            service.Policy = new QueuePolicy { MaxLostAttempts = 3, RetryBackoff = TimeSpan.FromMilliseconds(1) };
            service.Add("r1", container.Port);

            var record = await service.RunAsync("poison");

            Assert.Equal((MessageStatus.Failed, 3, 1), (record.Status, record.LostAttempts, record.FailedAttempts));
            Assert.All(record.Attempts, static attempt => Assert.Equal("replica_lost", attempt.Reason));
            Assert.Equal(4, incarnation);
        }
    }

    [Fact]
    public async Task Call_OneReplicaRefusesConnections_TheOtherGetsEverything()
    {
        await using var living = Container.Answering(Container.Answer);
        await using var service = await TestService.StartAsync();
        service.Add("closed", FreePort.Find());
        service.Add("open", living.Port);

        for (var i = 0; i < 30; i++)
        {
            var record = await service.RunAsync();
            Assert.Equal((MessageStatus.Completed, 0), (record.Status, record.Attempts.Count));
        }
    }

    [Fact]
    public async Task Call_EveryReplicaRefusesConnections_WaitsInTheQueueAndCountsNothing()
    {
        await using var service = await TestService.StartAsync();
        service.Add("closed", FreePort.Find());
        var id = await service.SubmitAsync();
        await Eventually.TrueAsync(() => service.Store.Releases >= 2, "it was put back again and again");

        await using var living = Container.Answering(Container.Answer);
        service.Add("open", living.Port);

        var record = await service.FinalAsync(id);
        Assert.Equal((MessageStatus.Completed, 0), (record.Status, record.Attempts.Count));
    }

    [Fact]
    public async Task Call_NoReplica_WaitsUntilOneComes()
    {
        await using var living = Container.Answering(Container.Answer);
        await using var service = await TestService.StartAsync();
        service.Apply();
        var id = await service.SubmitAsync();
        Assert.Equal(MessageStatus.Waiting, (await service.NowAsync(id)).Status);

        service.Add("r1", living.Port);

        Assert.Equal(MessageStatus.Completed, (await service.FinalAsync(id)).Status);
    }
}
