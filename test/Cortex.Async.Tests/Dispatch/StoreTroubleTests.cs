using Cortex.Dispatch;
using Cortex.Async.Tests.Dispatch.Support;
using Cortex.Gateway.Tests.Support;
using Cortex.Queues;

namespace Cortex.Async.Tests.Dispatch;

/// <summary>A store that cannot take what became of a request: nothing is lost.</summary>
public sealed class StoreTroubleTests
{
    private static readonly string Queue = QueueNames.Of(TestService.Api);
    private static readonly string Large = Container.Json("[" + new string(' ', 200_000) + "]");

    [Theory]
    [InlineData(typeof(StoreFullException))]
    [InlineData(typeof(StoreBusyException))]
    [InlineData(typeof(StoreUnavailableException))]
    public async Task Complete_StoreInTroubleForAWhile_IsStoredLaterWithoutAnotherCall(Type trouble)
    {
        var calls = 0;
        await using var container = Container.Of(async (connection, _, _) =>
        {
            Interlocked.Increment(ref calls);
            await connection.SendAsync(Container.Json("[7]"));
        });
        await using var service = await TestService.StartAsync();
        var tries = 0;
        service.Store.Trouble = call =>
        {
            if (call == "complete" && Interlocked.Increment(ref tries) < 5)
            {
                throw trouble == typeof(StoreFullException) ? new StoreFullException("full")
                    : trouble == typeof(StoreBusyException) ? new StoreBusyException("busy") : new StoreUnavailableException("gone");
            }
        };
        service.Add("r1", container.Port);

        var record = await service.RunAsync();

        Assert.Equal((MessageStatus.Completed, "[7]", 1, 5), (record.Status, TestService.Text(record), calls, tries));
    }

    [Fact]
    public async Task Complete_StoreInTroubleForTooLong_IsWorkedOnAgainWhenTheLeaseHasEnded()
    {
        var time = new ManualTime();
        var calls = 0;
        await using var container = Container.Of(async (connection, _, _) =>
        {
            Interlocked.Increment(ref calls);
            await connection.SendAsync(Container.Answer);
        });
        await using var service = await TestService.StartAsync(
            time, TestService.Quick with { SweepInterval = TimeSpan.FromSeconds(1), StorePause = TimeSpan.FromSeconds(1), StoreRetryTime = TimeSpan.FromMinutes(2) });
        service.Store.Trouble = call =>
        {
            if (call == "complete" && calls == 1)
            {
                throw new StoreUnavailableException("gone");
            }
        };
        service.Add("r1", container.Port);
        var id = await service.SubmitAsync();

        await Eventually.TrueAsync(() =>
        {
            time.Advance(TimeSpan.FromSeconds(1));
            return service.NowAsync(id).Result.Status == MessageStatus.Completed;
        }, "it came back and was completed");

        Assert.Equal(2, calls);
    }

    [Fact]
    public async Task Complete_RefusedBecauseFinalElsewhere_DeletesItsResult()
    {
        MessageId id = default;
        TestService service = null!;
        await using var container = Container.Of(async (connection, _, _) =>
        {
            await service.Store.CancelAsync(Queue, id, CancellationToken.None);
            await connection.SendAsync(Large);
        });
        // Swept too seldom to abort the call.
        service = await TestService.StartAsync(options: TestService.Quick with { SweepInterval = TimeSpan.FromSeconds(1) });
        await using (service)
        {
            service.Apply();
            id = await service.SubmitAsync();
            service.Add("r1", container.Port);

            await Eventually.TrueAsync(() => service.Store.Memory.Written > 200_000, "the result was written");
            await Eventually.TrueAsync(() => service.Store.Memory.All.IsEmpty, "the result was deleted");
            Assert.Equal(MessageStatus.Cancelled, (await service.NowAsync(id)).Status);
        }
    }

    [Fact]
    public async Task Complete_StoredAlthoughTheStoreSaidUnavailable_KeepsItsResult()
    {
        await using var container = Container.Answering(Large);
        await using var service = await TestService.StartAsync();
        var late = 0;
        service.Store.LateTrouble = call =>
        {
            if (call == "complete" && Interlocked.Increment(ref late) == 1)
            {
                throw new StoreUnavailableException("the connection broke after the commit");
            }
        };
        var again = new TaskCompletionSource();
        service.Store.Trouble = call =>
        {
            if (call == "complete" && late > 0)
            {
                again.TrySetResult();
            }
        };
        service.Add("r1", container.Port);

        var record = await service.RunAsync();
        await again.Task.WithinLimit();
        await service.DisposeAsync();   // waits until everything has been told

        Assert.Contains(record.Result!.Value.Blob!, service.Store.Memory.All.Keys);
    }

    [Fact]
    public async Task Call_BlobStoreIsFull_IsPutBackAndCompletedWhenThereIsRoom()
    {
        await using var container = Container.Answering(Large);
        await using var service = await TestService.StartAsync();
        service.Store.Memory.WriteTrouble = new StoreFullException("no room");
        service.Add("r1", container.Port);
        var id = await service.SubmitAsync();
        await Eventually.TrueAsync(() => service.Store.Releases > 0, "it was put back");

        service.Store.Memory.WriteTrouble = null;

        var record = await service.FinalAsync(id);
        Assert.Equal((MessageStatus.Completed, 0), (record.Status, record.Attempts.Count));
    }

    [Fact]
    public async Task Lease_StoreInTroubleForAWhile_GoesOn()
    {
        await using var container = Container.Answering(Container.Answer);
        await using var service = await TestService.StartAsync();
        var tries = 0;
        service.Store.Trouble = call =>
        {
            if (call is "lease" or "configure" && Interlocked.Increment(ref tries) < 6)
            {
                throw new StoreUnavailableException("gone");
            }
        };
        service.Add("r1", container.Port);

        Assert.Equal(MessageStatus.Completed, (await service.RunAsync()).Status);
        Assert.True(tries >= 6);
    }
}
