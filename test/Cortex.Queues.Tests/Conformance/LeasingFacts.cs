namespace Cortex.Queues.Tests.Conformance;

public abstract partial class QueueStoreConformance
{
    [Fact]
    public async Task LeaseAsync_AfterEnqueue_GivesEverythingThatWasPutIn()
    {
        var message = Message("one", priority: 7);
        var result = await Store.EnqueueAsync(message, default);

        var leased = await LeaseAsync();

        Assert.Equal(new EnqueueResult(message.Id, IsNew: true), result);
        Assert.Equal(message.Id, leased.Lease.Id);
        Assert.Equal(message.Head.ToArray(), leased.Head.ToArray());
        Assert.Equal("one", Text(leased.Payload));
        Assert.Equal(3, leased.Payload.Length);
        Assert.Equal(7, leased.Priority);
        Assert.Equal(Time.GetUtcNow(), leased.EnqueuedAt);
        Assert.Equal((0, 0), (leased.FailedAttempts, leased.LostAttempts));
        Assert.False(leased.Revoked.IsCancellationRequested);
        Assert.Null(await TryLeaseAsync());
    }

    [Fact]
    public async Task LeaseAsync_SamePriority_IsFirstInFirstOut()
    {
        var ids = new List<MessageId>();
        for (var i = 0; i < 50; i++)
        {
            ids.Add(await EnqueueAsync($"{i}"));
        }

        foreach (var id in ids)
        {
            Assert.Equal(id, (await LeaseAsync()).Lease.Id);
        }
    }

    [Fact]
    public async Task LeaseAsync_Priorities_HighestFirstThenOldest()
    {
        var low = await EnqueueAsync(priority: 0);
        var high1 = await EnqueueAsync(priority: 9);
        var high2 = await EnqueueAsync(priority: 9);

        Assert.Equal(high1, (await LeaseAsync()).Lease.Id);
        Assert.Equal(high2, (await LeaseAsync()).Lease.Id);
        Assert.Equal(low, (await LeaseAsync()).Lease.Id);
    }

    [Fact]
    public async Task LeaseAsync_HighPrioritiesNeverEnd_OldestHasItsTurn()
    {
        var low = await EnqueueAsync(priority: 0);
        for (var i = 0; i < 20; i++)
        {
            await EnqueueAsync(priority: 9);
        }

        var leased = new List<MessageId>();
        for (var i = 0; i < Options.FairnessInterval; i++)
        {
            leased.Add((await LeaseAsync()).Lease.Id);
        }

        Assert.Contains(low, leased);
    }

    [Fact]
    public async Task LeaseAsync_DelayedMessage_NotBeforeItsTime()
    {
        var id = await EnqueueAsync(delay: TimeSpan.FromSeconds(20));

        Assert.Null(await TryLeaseAsync());
        var record = await GetAsync(id);
        Assert.Equal(MessageStatus.Waiting, record.Status);
        Assert.Equal(Time.GetUtcNow() + TimeSpan.FromSeconds(20), record.NotBefore);

        Time.Advance(TimeSpan.FromSeconds(19));
        Assert.Null(await TryLeaseAsync());
        Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(id, (await InTimeAsync(Store.LeaseAsync(Queue, Visibility, TimeSpan.FromMinutes(1), default)))!.Lease.Id);
        Assert.Null((await GetAsync(id)).NotBefore);
    }

    [Fact]
    public async Task LeaseAsync_Waiting_WokenByEnqueue()
    {
        var waiting = Store.LeaseAsync(Queue, Visibility, TimeSpan.FromMinutes(5), default);
        Assert.False(waiting.IsCompleted);

        var id = await EnqueueAsync();

        Assert.Equal(id, (await InTimeAsync(waiting))!.Lease.Id);
    }

    [Fact]
    public async Task LeaseAsync_WaitingForDelayed_WokenWhenDue()
    {
        var id = await EnqueueAsync(delay: TimeSpan.FromSeconds(5));
        var waiting = Store.LeaseAsync(Queue, Visibility, TimeSpan.FromMinutes(5), default);

        Time.Advance(TimeSpan.FromSeconds(5));

        Assert.Equal(id, (await InTimeAsync(waiting))!.Lease.Id);
    }

    [Fact]
    public async Task LeaseAsync_NothingInTime_Null()
    {
        var waiting = Store.LeaseAsync(Queue, Visibility, TimeSpan.FromSeconds(3), default);
        Time.Advance(TimeSpan.FromSeconds(3));

        Assert.Null(await InTimeAsync(waiting));
    }

    [Fact]
    public async Task LeaseAsync_CancelledWaiters_SwallowNoMessage()
    {
        for (var i = 0; i < 20; i++)
        {
            using var cancel = new CancellationTokenSource();
            var waiting = Store.LeaseAsync(Queue, Visibility, TimeSpan.FromMinutes(5), cancel.Token).AsTask();
            await cancel.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => InTimeAsync(waiting));
        }

        var id = await EnqueueAsync();
        Assert.Equal(id, (await InTimeAsync(Store.LeaseAsync(Queue, Visibility, TimeSpan.FromMinutes(5), default)))!.Lease.Id);
    }

    [Fact]
    public async Task LeaseAsync_CancelledWhileMessagesCome_EveryMessageIsLeasedExactlyOnce()
    {
        const int Count = 200;
        var seen = new List<MessageId>();
        for (var i = 0; i < Count; i++)
        {
            using var cancel = new CancellationTokenSource();
            var waiting = Store.LeaseAsync(Queue, Visibility, TimeSpan.FromMinutes(5), cancel.Token).AsTask();
            var enqueue = EnqueueAsync($"{i}");
            var cancelling = Task.Run(cancel.Cancel);
            try
            {
                seen.Add((await InTimeAsync(waiting))!.Lease.Id);
            }
            catch (OperationCanceledException)
            {
                await enqueue;
            }

            await cancelling;
            await enqueue;
        }

        while (seen.Count < Count)
        {
            seen.Add((await InTimeAsync(Store.LeaseAsync(Queue, Visibility, TimeSpan.FromMinutes(5), default)))!.Lease.Id);
        }

        Assert.Equal(Count, seen.Distinct().Count());
        Assert.Null(await TryLeaseAsync());
    }

    [Fact]
    public async Task LeaseAsync_AlreadyCancelled_Throws()
    {
        var id = await EnqueueAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await Store.LeaseAsync(Queue, Visibility, TimeSpan.Zero, new CancellationToken(canceled: true)));
        Assert.Equal(id, (await LeaseAsync()).Lease.Id);
    }

    [Fact]
    public async Task LeaseAsync_Expired_RevokedAndGivenToAnother()
    {
        var id = await EnqueueAsync();
        var first = await LeaseAsync();

        Time.Advance(Visibility);

        await FiredAsync(first.Revoked);
        var second = (await InTimeAsync(Store.LeaseAsync(Queue, Visibility, TimeSpan.FromSeconds(5), default)))!;
        Assert.Equal(id, second.Lease.Id);
        Assert.NotEqual(first.Lease.Token, second.Lease.Token);
        Assert.Equal((0, 0), (second.FailedAttempts, second.LostAttempts));
        Assert.False(await Store.CompleteAsync(first.Lease, Text("late"), default));
        Assert.False(await Store.FailAsync(first.Lease, Failure(), null, null, default));
        Assert.False(await Store.LoseAsync(first.Lease, Failure(), TimeSpan.Zero, default));
        Assert.True(await Store.CompleteAsync(second.Lease, Text("right"), default));
        Assert.Equal("right", Text((await GetAsync(id)).Result));
    }

    [Fact]
    public async Task CompleteAsync_ExpiredButNotTaken_StillCounts()
    {
        var id = await EnqueueAsync();
        var leased = await LeaseAsync();
        Time.Advance(Visibility);
        await FiredAsync(leased.Revoked);

        Assert.True(await Store.CompleteAsync(leased.Lease, Text("late but fine"), default));

        Assert.Equal(MessageStatus.Completed, (await GetAsync(id)).Status);
        Assert.Null(await TryLeaseAsync());
    }

    [Fact]
    public async Task FailAsync_ExpiredButNotTaken_StillCounts()
    {
        await EnqueueAsync();
        var leased = await LeaseAsync();
        Time.Advance(Visibility);
        await FiredAsync(leased.Revoked);

        Assert.True(await Store.FailAsync(leased.Lease, Failure(), TimeSpan.FromSeconds(5), null, default));

        Assert.Null(await TryLeaseAsync());
        Time.Advance(TimeSpan.FromSeconds(5));
        var again = (await InTimeAsync(Store.LeaseAsync(Queue, Visibility, TimeSpan.FromSeconds(5), default)))!;
        Assert.Equal(1, again.FailedAttempts);
    }

    [Fact]
    public async Task ExtendAsync_BeforeTheEnd_LeaseGoesOn()
    {
        await EnqueueAsync("a");
        await EnqueueAsync("b");
        var kept = await LeaseAsync();
        var lost = await LeaseAsync();
        Time.Advance(Visibility - TimeSpan.FromSeconds(1));

        await Store.ExtendAsync([kept.Lease], Visibility, default);
        Time.Advance(Visibility - TimeSpan.FromSeconds(1));

        await FiredAsync(lost.Revoked);
        Assert.False(kept.Revoked.IsCancellationRequested);
        Assert.Equal(lost.Lease.Id, (await InTimeAsync(Store.LeaseAsync(Queue, Visibility, TimeSpan.FromSeconds(5), default)))!.Lease.Id);
        Assert.Null(await TryLeaseAsync());
        Assert.True(await Store.CompleteAsync(kept.Lease, Text("done"), default));
    }

    [Fact]
    public async Task ExtendAsync_Shorter_LeaseEndsEarlier()
    {
        await EnqueueAsync();
        var leased = await LeaseAsync();
        await Store.ExtendAsync([leased.Lease], TimeSpan.FromSeconds(1), default);

        Time.Advance(TimeSpan.FromSeconds(1));

        await FiredAsync(leased.Revoked);
    }

    [Fact]
    public async Task ExtendAsync_EndedLeases_LeftOut()
    {
        await EnqueueAsync("a");
        await EnqueueAsync("b");
        var ended = await LeaseAsync();
        var held = await LeaseAsync();
        await Store.CompleteAsync(ended.Lease, Text("r"), default);

        await Store.ExtendAsync([ended.Lease, held.Lease], Visibility * 2, default);

        Time.Advance(Visibility);
        Assert.False(held.Revoked.IsCancellationRequested);
        Assert.Equal(MessageStatus.Completed, (await GetAsync(ended.Lease.Id)).Status);
    }

    [Fact]
    public async Task ReleaseAsync_Held_BackAtItsPlaceAsIfNeverLeased()
    {
        var first = await EnqueueAsync("1");
        await EnqueueAsync("2");
        var leased = await LeaseAsync();

        await Store.ReleaseAsync(leased.Lease, default);
        await Store.ReleaseAsync(leased.Lease, default);

        var again = await LeaseAsync();
        Assert.Equal(first, again.Lease.Id);
        Assert.Equal("1", Text(again.Payload));
        Assert.Equal("head of 1", System.Text.Encoding.UTF8.GetString(again.Head.Span));
        Assert.Equal((0, 0), (again.FailedAttempts, again.LostAttempts));
        Assert.Empty((await GetAsync(first)).Attempts);
        Assert.Equal(1, (await Store.CountAsync(Queue, default)).Waiting);
    }

    [Fact]
    public async Task ReleaseAsync_WithCallerWaiting_GoesToIt()
    {
        var id = await EnqueueAsync();
        var leased = await LeaseAsync();
        var waiting = Store.LeaseAsync(Queue, Visibility, TimeSpan.FromMinutes(5), default);

        await Store.ReleaseAsync(leased.Lease, default);

        Assert.Equal(id, (await InTimeAsync(waiting))!.Lease.Id);
    }

    [Fact]
    public async Task LeaseAsync_ManyConsumers_NoMessageTwice()
    {
        const int Count = 500;
        var producers = Enumerable.Range(0, 4).Select(p => Task.Run(async () =>
        {
            for (var i = 0; i < Count / 4; i++)
            {
                await EnqueueAsync($"{p}-{i}", priority: i % 3);
            }
        }));
        var done = new System.Collections.Concurrent.ConcurrentBag<MessageId>();
        var consumers = Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
        {
            while (done.Count < Count && await Store.LeaseAsync(Queue, TimeSpan.FromHours(1), TimeSpan.FromHours(1), default) is { } leased)
            {
                Assert.True(await Store.CompleteAsync(leased.Lease, leased.Payload, default));
                done.Add(leased.Lease.Id);
                if (done.Count == Count)
                {
                    await Store.RetireAsync(Queue, default);   // sends the others home
                }
            }
        }));

        await Task.WhenAll(producers.Concat(consumers)).WaitAsync(Deadline);

        Assert.Equal(Count, done.Distinct().Count());
        Assert.Equal(default, await Store.CountAsync(Queue, default));
    }
}
