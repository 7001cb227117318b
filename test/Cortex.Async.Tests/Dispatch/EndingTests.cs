using Cortex.Dispatch;
using Cortex.Async.Tests.Dispatch.Support;
using Cortex.Gateway.Tests.Support;
using Cortex.Queues;

namespace Cortex.Async.Tests.Dispatch;

/// <summary>Calls that are ended from outside: cancelled, drained, stopped, or without their lease.</summary>
public sealed class EndingTests
{
    private static readonly string Queue = QueueNames.Of(TestService.Api);

    [Fact]
    public async Task Cancel_WhileTheContainerWorks_ClosesItsConnectionAndFreesTheSlot()
    {
        await using var container = new Hanging();
        await using var service = await TestService.StartAsync();
        service.Add("r1", container.Port);
        var id = await service.SubmitAsync("hang");
        await container.IsWorking();

        Assert.True((await service.Store.CancelAsync(Queue, id, CancellationToken.None)).Done);

        await container.IsClosed();
        Assert.Equal(MessageStatus.Completed, (await service.RunAsync("go")).Status);
        var record = await service.NowAsync(id);
        Assert.Equal((MessageStatus.Cancelled, 0), (record.Status, record.Attempts.Count));
    }

    [Fact]
    public async Task Drain_CallEndsInTime_IsCompleted()
    {
        await using var container = new Hanging();
        await using var service = await TestService.StartAsync();
        service.Add("r1", container.Port);
        var id = await service.SubmitAsync("hang");
        await container.IsWorking();
        service.Remove("r1");

        var draining = service.Service.DrainAsync("r1", Eventually.Limit, CancellationToken.None);
        Assert.False(draining.IsCompleted);
        container.Answer();
        await draining.WithinLimit();

        Assert.Equal((MessageStatus.Completed, 0), ((await service.FinalAsync(id)).Status, service.Store.Releases));
    }

    [Fact]
    public async Task Drain_CallDoesNotEnd_IsPutBackBeforeTheDrainEndsAndGoesToAnother()
    {
        await using var container = new Hanging();
        await using var other = Container.Answering(Container.Answer);
        await using var service = await TestService.StartAsync();
        service.Add("r1", container.Port);
        var id = await service.SubmitAsync("hang");
        await container.IsWorking();
        service.Remove("r1");

        await service.Service.DrainAsync("r1", TimeSpan.FromMilliseconds(50), CancellationToken.None).WithinLimit();

        Assert.Equal(MessageStatus.Waiting, (await service.NowAsync(id)).Status);
        await container.IsClosed();
        service.Add("r2", other.Port);
        var record = await service.FinalAsync(id);
        Assert.Equal((MessageStatus.Completed, 0), (record.Status, record.Attempts.Count));
    }

    [Fact]
    public async Task Drain_UnknownReplica_IsDrained()
    {
        await using var service = await TestService.StartAsync();
        service.Apply();
        Assert.True(service.Service.DrainAsync("nobody", Eventually.Limit, CancellationToken.None).IsCompletedSuccessfully);
    }

    [Fact]
    public async Task Drain_CallerIsCancelled_StopsWaitingAndAbortsNothing()
    {
        await using var container = new Hanging();
        await using var service = await TestService.StartAsync();
        service.Add("r1", container.Port);
        var id = await service.SubmitAsync("hang");
        await container.IsWorking();

        using var cancel = new CancellationTokenSource();
        var draining = service.Service.DrainAsync("r1", Eventually.Limit, cancel.Token);
        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => draining.WithinLimit());
        container.Answer();
        Assert.Equal(MessageStatus.Completed, (await service.FinalAsync(id)).Status);
    }

    [Fact]
    public async Task Stop_CallEndsInTime_IsCompletedAndNothingElseIsBegun()
    {
        await using var container = new Hanging();
        var service = await TestService.StartAsync(options: TestService.Quick with { StopTime = Eventually.Limit });
        service.Add("r1", container.Port);
        var id = await service.SubmitAsync("hang");
        await container.IsWorking();
        var next = await service.SubmitAsync("go");

        var stopping = service.DisposeAsync().AsTask();
        container.Answer();
        await stopping.WithinLimit();

        Assert.Equal((MessageStatus.Completed, MessageStatus.Waiting), ((await service.NowAsync(id)).Status, (await service.NowAsync(next)).Status));
    }

    [Fact]
    public async Task Stop_CallDoesNotEnd_IsPutBack()
    {
        await using var container = new Hanging();
        var service = await TestService.StartAsync(options: TestService.Quick with { StopTime = TimeSpan.FromMilliseconds(50) });
        service.Add("r1", container.Port);
        var id = await service.SubmitAsync("hang");
        await container.IsWorking();

        await service.DisposeAsync().AsTask().WithinLimit();

        var record = await service.NowAsync(id);
        Assert.Equal((MessageStatus.Waiting, 0, 1), (record.Status, record.Attempts.Count, service.Store.Releases));
        await container.IsClosed();
    }

    [Fact]
    public async Task Lease_ExpiresWhileTheCallLives_TheCallIsAbortedAndAnotherServerGoesOn()
    {
        var time = new ManualTime();
        await using var container = new Hanging();
        await using var service = await TestService.StartAsync(time, TestService.Quick with { SweepInterval = TimeSpan.FromSeconds(1) });
        service.Add("r1", container.Port);
        var id = await service.SubmitAsync("hang");
        await container.IsWorking();
        service.Store.Trouble = static call =>
        {
            if (call == "extend")
            {
                throw new StoreUnavailableException("no extension");
            }
        };

        time.Advance(TimeSpan.FromSeconds(61));
        var stolen = await service.Store.LeaseAsync(Queue, TimeSpan.FromHours(1), TimeSpan.Zero, CancellationToken.None);
        Assert.Equal(id, stolen?.Lease.Id);
        await Eventually.TrueAsync(() => stolen is not null && TickAsync().IsCompleted && container.WasClosed, "the call was aborted");

        Assert.True(await service.Store.CompleteAsync(stolen!.Lease, Body.Of("1"u8.ToArray()), CancellationToken.None));
        Assert.Equal("1", TestService.Text(await service.NowAsync(id)));

        Task TickAsync()
        {
            time.Advance(TimeSpan.FromSeconds(1));
            return Task.CompletedTask;
        }
    }

    /// <summary>A container that answers <c>go</c> at once and <c>hang</c> when it is told to.</summary>
    private sealed class Hanging : IAsyncDisposable
    {
        private readonly TaskCompletionSource _working = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly RawUpstream _upstream;

        public Hanging() => _upstream = Container.Of(async (connection, _, body) =>
        {
            if (body == "hang")
            {
                _working.TrySetResult();
                var closed = connection.ReadRestAsync();
                if (await Task.WhenAny(closed, _answer.Task) != closed)
                {
                    await connection.SendAsync(Container.Answer);
                    await closed;
                }

                _closed.TrySetResult();
                return;
            }

            await connection.SendAsync(Container.Answer);
        });

        public int Port => _upstream.Port;

        public bool WasClosed => _closed.Task.IsCompleted;

        public Task IsWorking() => _working.Task.WithinLimit();

        public Task IsClosed() => _closed.Task.WithinLimit();

        public void Answer() => _answer.SetResult();

        public ValueTask DisposeAsync() => _upstream.DisposeAsync();
    }
}
