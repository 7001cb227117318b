using System.Text;
using Cortex.Queues.Blobs;

namespace Cortex.Queues.Tests.Conformance;

public abstract partial class QueueStoreConformance
{
    [Fact]
    public async Task EnqueueAsync_SameKey_FindsTheEarlierAndQueuesNothing()
    {
        var first = await EnqueueAsync("first", key: "k");

        var again = await Store.EnqueueAsync(Message("second", key: "k"), default);

        Assert.Equal(new EnqueueResult(first, IsNew: false), again);
        Assert.Equal(1, (await Store.CountAsync(Queue, default)).Waiting);
        Assert.Equal("first", Text((await LeaseAsync()).Payload));
        Assert.Null(await TryLeaseAsync());
    }

    [Fact]
    public async Task EnqueueAsync_SameKeyAtOnce_OneIsNew()
    {
        var results = await Task.WhenAll(Enumerable.Range(0, 32).Select(i => Store.EnqueueAsync(Message($"{i}", key: "k"), default).AsTask()));

        var winner = Assert.Single(results, r => r.IsNew);
        Assert.All(results, r => Assert.Equal(winner.Id, r.Id));
        Assert.Equal(1, (await Store.CountAsync(Queue, default)).Waiting);
    }

    [Fact]
    public async Task EnqueueAsync_SameKeyOtherDigest_IsAConflict()
    {
        var first = await Store.EnqueueAsync(Message("first", key: "k") with { Digest = new byte[] { 1 } }, default);

        var other = await Store.EnqueueAsync(Message("second", key: "k") with { Digest = new byte[] { 2 } }, default);
        var again = await Store.EnqueueAsync(Message("first", key: "k") with { Digest = new byte[] { 1 } }, default);
        var unknown = await Store.EnqueueAsync(Message("first", key: "k"), default);

        Assert.Equal(new EnqueueResult(first.Id, IsNew: false, IsConflict: true), other);
        Assert.Equal(new EnqueueResult(first.Id, IsNew: false), again);
        Assert.Equal(new EnqueueResult(first.Id, IsNew: false), unknown);
        Assert.Equal(1, (await Store.CountAsync(Queue, default)).Waiting);
    }

    [Fact]
    public async Task CountAsync_ManyQueues_InTheirOrder()
    {
        await Store.ConfigureAsync("other", new QueueSettings(Retention), default);
        await EnqueueAsync();
        await EnqueueAsync();
        await EnqueueAsync(queue: "other");

        var counts = await Store.CountAsync(["other", "no such queue", Queue], default);

        Assert.Equal([1, 0, 2], counts.Select(count => count.Waiting));
    }

    [Fact]
    public async Task EnqueueAsync_KeyOfFinalMessage_StillFound()
    {
        var completed = await EnqueueAsync(key: "completed");
        await Store.CompleteAsync((await LeaseAsync()).Lease, Text("r"), default);
        var failed = await EnqueueAsync(key: "failed");
        await Store.FailAsync((await LeaseAsync()).Lease, Failure(), null, null, default);

        Assert.Equal(completed, await EnqueueAsync(key: "completed"));
        Assert.Equal(failed, await EnqueueAsync(key: "failed"));
    }

    [Fact]
    public async Task EnqueueAsync_SameKeyInAnotherQueue_IsNew()
    {
        await Store.ConfigureAsync("other", new QueueSettings(Retention), default);
        var first = await EnqueueAsync(key: "k");

        Assert.NotEqual(first, await EnqueueAsync(key: "k", queue: "other"));
    }

    [Fact]
    public async Task EnqueueAsync_KeyOlderThanRetention_IsNew()
    {
        var first = await EnqueueAsync(key: "k");
        Time.Advance(Retention - TimeSpan.FromSeconds(1));
        Assert.Equal(first, await EnqueueAsync(key: "k"));

        Time.Advance(TimeSpan.FromSeconds(1));

        var second = await EnqueueAsync(key: "k");
        Assert.NotEqual(first, second);
        Assert.Equal(second, await EnqueueAsync(key: "k"));
    }

    [Fact]
    public async Task EnqueueManyAsync_AllWithCheckpoint_AreThere()
    {
        Assert.Null(await Store.ReadCheckpointAsync(Queue, default));
        var messages = Enumerable.Range(0, 100).Select(i => Message($"{i}")).ToArray();

        await Store.EnqueueManyAsync(Queue, messages, "at 100", default);

        Assert.Equal("at 100", await Store.ReadCheckpointAsync(Queue, default));
        foreach (var message in messages)
        {
            Assert.Equal(message.Id, (await LeaseAsync()).Lease.Id);
        }

        await Store.EnqueueManyAsync(Queue, [Message()], null, default);
        Assert.Equal("at 100", await Store.ReadCheckpointAsync(Queue, default));
        await Store.EnqueueManyAsync(Queue, [Message()], "at 102", default);
        Assert.Equal("at 102", await Store.ReadCheckpointAsync(Queue, default));
    }

    [Fact]
    public async Task EnqueueManyAsync_OneIsImpossible_NeitherMessagesNorCheckpoint()
    {
        await Store.EnqueueManyAsync(Queue, [Message()], "before", default);
        await LeaseAsync();
        var impossible = Message() with { FollowUpQueue = "never configured" };

        await Assert.ThrowsAsync<InvalidOperationException>(() => Store.EnqueueManyAsync(Queue, [Message(), Message(), impossible], "after", default));

        Assert.Equal("before", await Store.ReadCheckpointAsync(Queue, default));
        Assert.Null(await TryLeaseAsync());
        Assert.Equal(0, (await Store.CountAsync(Queue, default)).Waiting);
    }

    [Fact]
    public async Task EnqueueAsync_OneOfManyAtOnceIsImpossible_OthersAreStored()
    {
        var tasks = Enumerable.Range(0, 40)
            .Select(i => Store.EnqueueAsync(Message($"{i}", followUp: i % 10 == 3 ? "never configured" : null), default).AsTask()).ToArray();

        for (var i = 0; i < tasks.Length; i++)
        {
            if (i % 10 == 3)
            {
                await Assert.ThrowsAsync<InvalidOperationException>(() => tasks[i]);
            }
            else
            {
                Assert.True((await tasks[i]).IsNew);
            }
        }

        Assert.Equal(36, (await Store.CountAsync(Queue, default)).Waiting);
    }

    [Fact]
    public async Task EnqueueAsync_CallerReusesItsBuffer_StoredAsItWas()
    {
        var payload = Encoding.UTF8.GetBytes("original");
        var id = Store.NewId();
        var enqueue = Store.EnqueueAsync(new NewMessage { Id = id, Queue = Queue, Head = payload, Payload = Body.Of(payload) }, default);
        await enqueue;
        payload.AsSpan().Fill((byte)'x');

        var leased = await LeaseAsync();
        Assert.Equal("original", Text(leased.Payload));
        Assert.Equal("original", Encoding.UTF8.GetString(leased.Head.Span));
    }

    [Fact]
    public async Task Queues_NeverConfigured_ReadAsEmptyAndRefuseTheRest()
    {
        const string None = "none";
        var id = Store.NewId();

        Assert.Null(await Store.GetAsync(None, id, default));
        Assert.Null(await Store.WaitAsync(None, id, TimeSpan.FromSeconds(5), default));
        Assert.Equal(default, await Store.CountAsync(None, default));
        Assert.Empty((await Store.ListAsync(None, new MessageQuery(null, 10, null), default)).Messages);
        Assert.Null(await Store.ReadCheckpointAsync(None, default));
        await Store.RetireAsync(None, default);
        await Store.DeleteAsync(None, default);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await Store.EnqueueAsync(Message(queue: None), default));
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await Store.EnqueueManyAsync(None, [Message(queue: None)], null, default));
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await TryLeaseAsync(None));
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await Store.CancelAsync(None, id, default));
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await Store.RetryAsync(None, id, default));
    }

    [Fact]
    public async Task Queues_SideBySide_KeepApart()
    {
        await Store.ConfigureAsync("other", new QueueSettings(Retention), default);
        var mine = await EnqueueAsync();
        var others = await EnqueueAsync(queue: "other");

        Assert.Null(await Store.GetAsync("other", mine, default));
        Assert.Equal(new ChangeOutcome(Done: false, null), await Store.CancelAsync("other", mine, default));
        Assert.Equal(others, (await LeaseAsync("other")).Lease.Id);
        Assert.Null(await TryLeaseAsync("other"));
        Assert.Equal(mine, Assert.Single((await Store.ListAsync(Queue, new MessageQuery(null, 10, null), default)).Messages).Id);
        var leased = await LeaseAsync();
        await Store.CompleteAsync(leased.Lease, Text("r"), default);
        Assert.Null(await Store.GetAsync("other", mine, default));
    }

    [Fact]
    public async Task TotalAsync_MessagesInEveryState_CountsUnfinishedAndFailed()
    {
        await Store.ConfigureAsync("other", new QueueSettings(Retention), default);
        await EnqueueAsync(queue: "other");
        await Store.EnqueueManyAsync(Queue, [.. Enumerable.Range(0, 8).Select(i => Message($"{i}"))], "checkpoint", default);
        await Store.CompleteAsync((await LeaseAsync()).Lease, Text("r"), default);
        await Store.FailAsync((await LeaseAsync()).Lease, Failure(), null, null, default);
        await Store.FailAsync((await LeaseAsync()).Lease, Failure(), null, null, default);
        await Store.FailAsync((await LeaseAsync()).Lease, Failure(), TimeSpan.FromMinutes(1), null, default);
        await Store.CancelAsync(Queue, (await LeaseAsync()).Lease.Id, default);
        await LeaseAsync();

        Assert.Equal(new QueueTotals(4, 2), await Store.TotalAsync(Queue, default));
        Assert.Equal(new QueueTotals(1, 0), await Store.TotalAsync("other", default));
        Assert.Equal(default, await Store.TotalAsync("none", default));
    }

    [Fact]
    public async Task ListQueuesAsync_Prefix_GivesThoseInUse()
    {
        string[] queues = ["list/a", "list/b", "list/retired", "list/deleted", "other/a", "list%/a"];
        foreach (var queue in queues)
        {
            await Store.ConfigureAsync(queue, new QueueSettings(TimeSpan.FromHours(1)), default);
        }

        await Store.RetireAsync("list/retired", default);
        await Store.DeleteAsync("list/deleted", default);

        Assert.Equal(["list/a", "list/b"], (await Store.ListQueuesAsync("list/", default)).Order(StringComparer.Ordinal));
        Assert.Equal(["list%/a"], await Store.ListQueuesAsync("list%", default));
    }

    [Fact]
    public async Task RetireAsync_InUse_NothingInOrOutButKept()
    {
        var id = await EnqueueAsync();
        var held = await LeaseAsync();
        var completed = held.Lease.Id;
        var waiting = await EnqueueAsync("w");

        await Store.RetireAsync(Queue, default);

        Assert.Equal(id, completed);
        Assert.Null(await Store.LeaseAsync(Queue, Visibility, TimeSpan.FromMinutes(5), default));
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await EnqueueAsync());
        Assert.Equal(MessageStatus.Waiting, (await GetAsync(waiting)).Status);
        Assert.True(await Store.CompleteAsync(held.Lease, Text("r"), default));
        Assert.Equal(MessageStatus.Completed, (await GetAsync(completed)).Status);
        Assert.True((await Store.CancelAsync(Queue, waiting, default)).Done);
    }

    [Fact]
    public async Task RetireAsync_CallersWait_SentAway()
    {
        var waiting = Store.LeaseAsync(Queue, Visibility, TimeSpan.FromMinutes(5), default);

        await Store.RetireAsync(Queue, default);

        Assert.Null(await InTimeAsync(waiting));
    }

    [Fact]
    public async Task ConfigureAsync_Retired_InUseAgainWithWhatIsLeft()
    {
        var id = await EnqueueAsync();
        await Store.RetireAsync(Queue, default);
        Time.Advance(Retention / 2);

        await Store.ConfigureAsync(Queue, new QueueSettings(Retention), default);

        Time.Advance(Retention);
        Assert.Equal(id, (await LeaseAsync()).Lease.Id);
        await EnqueueAsync();
    }

    [Fact]
    public async Task RetireAsync_RetentionIsOver_QueueIsDeleted()
    {
        var waiting = await EnqueueAsync("w");
        var completed = await CompleteNewAsync("c");
        await Store.RetireAsync(Queue, default);

        Time.Advance(Retention - TimeSpan.FromSeconds(11));
        Assert.NotNull(await Store.GetAsync(Queue, waiting, default));
        Assert.NotNull(await Store.GetAsync(Queue, completed, default));
        Time.Advance(TimeSpan.FromSeconds(30));

        await Eventually.TrueAsync(async () => await Store.GetAsync(Queue, waiting, default) is null && await Store.GetAsync(Queue, completed, default) is null, "the queue is deleted");
        await Eventually.TrueAsync(async () =>
        {
            try
            {
                await EnqueueAsync();
                return false;
            }
            catch (InvalidOperationException)
            {
                return true;
            }
        }, "the queue is unknown");
    }

    [Fact]
    public async Task DeleteAsync_WithEverything_GoneAndNameIsFree()
    {
        var delayed = await EnqueueAsync(delay: TimeSpan.FromMinutes(1));
        var completed = await CompleteNewAsync();
        var failed = await FailNewAsync();
        await EnqueueAsync(key: "k");
        await EnqueueAsync();
        var held = await LeaseAsync();
        await LeaseAsync();
        var waiting = Store.LeaseAsync(Queue, Visibility, TimeSpan.FromMinutes(5), default);
        await Store.EnqueueManyAsync(Queue, [Message(priority: 1, delay: TimeSpan.FromHours(1))], "checkpoint", default);

        await Store.DeleteAsync(Queue, default);

        Assert.Null(await InTimeAsync(waiting));
        await FiredAsync(held.Revoked);
        Assert.False(await Store.CompleteAsync(held.Lease, Text("r"), default));
        Assert.Equal(default, await Store.CountAsync(Queue, default));
        await Store.ConfigureAsync(Queue, new QueueSettings(Retention), default);
        foreach (var id in new[] { delayed, completed, failed, held.Lease.Id })
        {
            Assert.Null(await Store.GetAsync(Queue, id, default));
        }

        Assert.Empty((await Store.ListAsync(Queue, new MessageQuery(null, 10, null), default)).Messages);
        Assert.Null(await Store.ReadCheckpointAsync(Queue, default));
        Time.Advance(TimeSpan.FromMinutes(2));
        Assert.Null(await TryLeaseAsync());
        Assert.True((await Store.EnqueueAsync(Message(key: "k"), default)).IsNew);
        Assert.NotNull(await TryLeaseAsync());
    }

    [Fact]
    public async Task Retention_Over_FinalMessagesGoOthersStay()
    {
        var completed = await CompleteNewAsync("c");
        var failed = await FailNewAsync("f");
        var cancelled = await EnqueueAsync("x");
        await Store.CancelAsync(Queue, cancelled, default);
        var waiting = await EnqueueAsync("w");
        Time.Advance(Retention - TimeSpan.FromSeconds(20));
        var later = await EnqueueAsync("later", priority: 9);
        await Store.CompleteAsync((await LeaseAsync()).Lease, Text("r"), default);
        foreach (var id in new[] { completed, failed, cancelled })
        {
            Assert.NotNull(await Store.GetAsync(Queue, id, default));
        }

        Time.Advance(TimeSpan.FromSeconds(40));

        foreach (var id in new[] { completed, failed, cancelled })
        {
            await Eventually.TrueAsync(async () => await Store.GetAsync(Queue, id, default) is null, $"{id} is removed");
        }

        Assert.Equal(MessageStatus.Waiting, (await GetAsync(waiting)).Status);
        Assert.Equal(MessageStatus.Completed, (await GetAsync(later)).Status);
        var left = (await Store.ListAsync(Queue, new MessageQuery(null, 10, null), default)).Messages;
        Assert.Equal([later, waiting], left.Select(m => m.Id));
    }

    [Fact]
    public async Task Retention_ManyResults_AllGo()
    {
        for (var i = 0; i < 3; i++)
        {
            await Store.EnqueueManyAsync(Queue, [.. Enumerable.Range(0, 400).Select(n => Message($"{n}"))], null, default);
            await Task.WhenAll(Enumerable.Range(0, 400).Select(async _ => await Store.CompleteAsync((await LeaseAsync()).Lease, Text("r"), default)));
        }

        Time.Advance(Retention + TimeSpan.FromSeconds(20));

        await Eventually.TrueAsync(async () => (await Store.ListAsync(Queue, new MessageQuery(null, 1, null), default)).Messages.Count == 0, "all results are removed");
    }

    [Fact]
    public async Task ConfigureAsync_ShorterRetention_CountsForWhatIsThere()
    {
        var completed = await CompleteNewAsync();
        await Store.ConfigureAsync(Queue, new QueueSettings(TimeSpan.FromSeconds(5)), default);

        Time.Advance(TimeSpan.FromSeconds(20));

        await Eventually.TrueAsync(async () => await Store.GetAsync(Queue, completed, default) is null, "the result is removed");
    }

    [Fact]
    public async Task ListAsync_EveryStatus_NewestFirst()
    {
        var completed = await CompleteNewAsync("c");
        var failed = await FailNewAsync("f");
        var cancelled = await EnqueueAsync("x");
        await Store.CancelAsync(Queue, cancelled, default);
        var leased = await EnqueueAsync("l");
        await LeaseAsync();
        var delayed = await EnqueueAsync("d", priority: 9, delay: TimeSpan.FromMinutes(1));
        var waiting = await EnqueueAsync("w", priority: 2);

        async Task<IEnumerable<MessageId>> List(MessageStatus? status) => (await Store.ListAsync(Queue, new MessageQuery(status, 10, null), default)).Messages.Select(m => m.Id);

        Assert.Equal([waiting, delayed, leased, cancelled, failed, completed], await List(null));
        Assert.Equal([waiting, delayed], await List(MessageStatus.Waiting));
        Assert.Equal([leased], await List(MessageStatus.Leased));
        Assert.Equal([completed], await List(MessageStatus.Completed));
        Assert.Equal([failed], await List(MessageStatus.Failed));
        Assert.Equal([cancelled], await List(MessageStatus.Cancelled));
    }

    [Fact]
    public async Task ListAsync_Rows_HaveTheFactsButNoBodies()
    {
        var completed = await CompleteNewAsync("c");
        var failed = await FailNewAsync("f");
        var delayed = await EnqueueAsync("d", priority: 4, delay: TimeSpan.FromMinutes(1));

        var page = await Store.ListAsync(Queue, new MessageQuery(null, 10, null), default);

        Assert.Null(page.Next);
        Assert.Equal([delayed, failed, completed], page.Messages.Select(m => m.Id));
        Assert.Equal([MessageStatus.Waiting, MessageStatus.Failed, MessageStatus.Completed], page.Messages.Select(m => m.Status));
        Assert.All(page.Messages, m => Assert.True(m.Payload is null && m.Result is null && m.Attempts.Count == 0));
        Assert.All(page.Messages, m => Assert.Equal(Time.GetUtcNow(), m.EnqueuedAt));
        Assert.Equal([null, Time.GetUtcNow(), Time.GetUtcNow()], page.Messages.Select(m => m.FinishedAt));
        Assert.Equal(4, page.Messages[0].Priority);
        Assert.Equal(Time.GetUtcNow() + TimeSpan.FromMinutes(1), page.Messages[0].NotBefore);
        Assert.Equal(1, page.Messages[1].FailedAttempts);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(MessageStatus.Waiting)]
    [InlineData(MessageStatus.Leased)]
    [InlineData(MessageStatus.Completed)]
    [InlineData(MessageStatus.Failed)]
    [InlineData(MessageStatus.Cancelled)]
    public async Task ListAsync_Cursor_GivesEveryMessageOnce(MessageStatus? status)
    {
        var expected = new List<MessageId>();
        for (var i = 0; i < 35; i++)
        {
            var id = await EnqueueAsync($"{i}", priority: i % 3);
            var state = (MessageStatus)(i % 5);
            if (state is MessageStatus.Cancelled)
            {
                await Store.CancelAsync(Queue, id, default);
            }
            else if (state is not MessageStatus.Waiting)
            {
                // Others are out of the way, so that this one is leased.
                var leased = await LeaseThatAsync(id);
                if (state == MessageStatus.Completed)
                {
                    await Store.CompleteAsync(leased.Lease, Text("r"), default);
                }
                else if (state == MessageStatus.Failed)
                {
                    await Store.FailAsync(leased.Lease, Failure(), null, null, default);
                }
            }

            if (status is null || state == status)
            {
                expected.Insert(0, id);
            }
        }

        var seen = new List<MessageId>();
        long? cursor = null;
        do
        {
            var page = await Store.ListAsync(Queue, new MessageQuery(status, 3, cursor), default);
            Assert.InRange(page.Messages.Count, 0, 3);
            seen.AddRange(page.Messages.Select(m => m.Id));
            cursor = page.Next;
        }
        while (cursor is not null);

        Assert.Equal(expected, seen);
    }

    [Fact]
    public async Task CountAsync_EveryState_CountsAndOldest()
    {
        Assert.Equal(default, await Store.CountAsync(Queue, default));
        var started = Time.GetUtcNow();
        await EnqueueAsync("a", priority: 1);
        Time.Advance(TimeSpan.FromSeconds(5));
        await EnqueueAsync("b", priority: 9);
        await EnqueueAsync("c", delay: TimeSpan.FromMinutes(1));
        Assert.Equal(new QueueCounts(2, 1, 0, started), await Store.CountAsync(Queue, default));

        var b = await LeaseAsync();
        Assert.Equal(new QueueCounts(1, 1, 1, started), await Store.CountAsync(Queue, default));
        await LeaseAsync();
        Assert.Equal(new QueueCounts(0, 1, 2, null), await Store.CountAsync(Queue, default));
        await Store.ReleaseAsync(b.Lease, default);
        Assert.Equal(new QueueCounts(1, 1, 1, started + TimeSpan.FromSeconds(5)), await Store.CountAsync(Queue, default));
        Time.Advance(Visibility);
        Assert.Equal(new QueueCounts(2, 1, 0, started), await Store.CountAsync(Queue, default));
        Time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(new QueueCounts(3, 0, 0, started), await Store.CountAsync(Queue, default));
    }

    [Fact]
    public async Task WaitAsync_BecomesFinal_AnsweredAtOnce()
    {
        var id = await EnqueueAsync();
        var waiting = Store.WaitAsync(Queue, id, TimeSpan.FromMinutes(5), default);
        Assert.False(waiting.IsCompleted);

        await Store.CompleteAsync((await LeaseAsync()).Lease, Text("r"), default);

        Assert.Equal("r", Text((await InTimeAsync(waiting))!.Result));
    }

    [Fact]
    public async Task WaitAsync_FailedOrCancelled_AnsweredAtOnce()
    {
        var failed = await EnqueueAsync();
        var waitingForFailed = Store.WaitAsync(Queue, failed, TimeSpan.FromMinutes(5), default);
        await Store.FailAsync((await LeaseAsync()).Lease, Failure(), null, null, default);
        var cancelled = await EnqueueAsync();
        var waitingForCancelled = Store.WaitAsync(Queue, cancelled, TimeSpan.FromMinutes(5), default);
        await Store.CancelAsync(Queue, cancelled, default);

        Assert.Equal(MessageStatus.Failed, (await InTimeAsync(waitingForFailed))!.Status);
        Assert.Equal(MessageStatus.Cancelled, (await InTimeAsync(waitingForCancelled))!.Status);
    }

    [Fact]
    public async Task WaitAsync_TimeIsUp_WhatIsKnown()
    {
        var id = await EnqueueAsync();
        var waiting = Store.WaitAsync(Queue, id, TimeSpan.FromSeconds(3), default).AsTask();
        await Eventually.TrueAsync(() =>
        {
            Time.Advance(TimeSpan.FromSeconds(3));
            return Task.FromResult(waiting.IsCompleted);
        }, "the wait ends");

        Assert.Equal(MessageStatus.Waiting, (await waiting)!.Status);
    }

    [Fact]
    public async Task WaitAsync_AlreadyFinalOrUnknown_AnsweredAtOnce()
    {
        var id = await CompleteNewAsync();

        Assert.Equal(MessageStatus.Completed, (await InTimeAsync(Store.WaitAsync(Queue, id, TimeSpan.FromMinutes(5), default)))!.Status);
        Assert.Null(await InTimeAsync(Store.WaitAsync(Queue, Store.NewId(), TimeSpan.FromMinutes(5), default)));
    }

    [Fact]
    public async Task WaitAsync_MoreThanMaxWaiters_FurtherOnesAnsweredAtOnce()
    {
        var id = await EnqueueAsync();
        using var cancel = new CancellationTokenSource();
        var waiting = Enumerable.Range(0, Options.MaxWaiters).Select(_ => Store.WaitAsync(Queue, id, TimeSpan.FromMinutes(5), cancel.Token).AsTask()).ToArray();

        Assert.Equal(MessageStatus.Waiting, (await InTimeAsync(Store.WaitAsync(Queue, id, TimeSpan.FromMinutes(5), default)))!.Status);
        Assert.All(waiting, w => Assert.False(w.IsCompleted));

        await cancel.CancelAsync();
        foreach (var one in waiting)
        {
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => InTimeAsync(one));
        }

        var again = Store.WaitAsync(Queue, id, TimeSpan.FromMinutes(5), default);
        Assert.False(again.IsCompleted);
        await Store.CancelAsync(Queue, id, default);
        Assert.Equal(MessageStatus.Cancelled, (await InTimeAsync(again))!.Status);
    }

    [Fact]
    public async Task Blobs_OfMessages_DeletedWithThem()
    {
        var id = Store.NewId();
        await Blobs.WriteAsync(BlobNames.Payload(id), new MemoryStream(new byte[10]), default);
        await Store.EnqueueAsync(new NewMessage { Id = id, Queue = Queue, Payload = Body.InBlob(BlobNames.Payload(id), 10) }, default);
        var leased = await LeaseAsync();
        Assert.Equal(Body.InBlob(BlobNames.Payload(id), 10), leased.Payload);
        var result = BlobNames.Result(leased.Lease);
        await Blobs.WriteAsync(result, new MemoryStream(new byte[20]), default);

        Assert.True(await Store.CompleteAsync(leased.Lease, Body.InBlob(result, 20), default));

        Assert.Equal(Body.InBlob(result, 20), (await GetAsync(id)).Result);
        await Eventually.TrueAsync(() => Task.FromResult(Blobs.Names.SequenceEqual([result])), "the payload's blob goes when the message is completed");
        Time.Advance(Retention + TimeSpan.FromSeconds(20));
        await Eventually.TrueAsync(() => Task.FromResult(Blobs.Names.Count == 0), "the result's blob goes with the result");
    }

    [Fact]
    public async Task Blobs_Orphans_RemovedWhenTheyAreOld()
    {
        var orphan = BlobNames.Payload(Store.NewId());
        await Blobs.WriteAsync(orphan, new MemoryStream(new byte[1]), default);
        await Blobs.WriteAsync("something/else", new MemoryStream(new byte[1]), default);
        var id = Store.NewId();
        await Blobs.WriteAsync(BlobNames.Payload(id), new MemoryStream(new byte[1]), default);
        await Store.EnqueueAsync(new NewMessage { Id = id, Queue = Queue, Payload = Body.InBlob(BlobNames.Payload(id), 1) }, default);
        var leased = await LeaseAsync();
        var refused = BlobNames.Result(leased.Lease);
        await Blobs.WriteAsync(refused, new MemoryStream(new byte[1]), default);

        Time.Advance(Options.OrphanAge - TimeSpan.FromSeconds(1));
        Assert.Contains(orphan, Blobs.Names);
        await Eventually.TrueAsync(() =>
        {
            Time.Advance(Options.OrphanAge / 4);
            return Task.FromResult(Blobs.Names.Count == 2);
        }, "the orphans are removed");

        Assert.Equal([BlobNames.Payload(id), "something/else"], Blobs.Names.Order());
    }

    [Fact]
    public async Task Bounds_Broken_Refused()
    {
        async Task RefusedAsync(NewMessage message)
        {
            await Assert.ThrowsAnyAsync<ArgumentException>(async () => await Store.EnqueueAsync(message, default));
            await Assert.ThrowsAnyAsync<ArgumentException>(async () => await Store.EnqueueManyAsync(Queue, [Message(), message], null, default));
        }

        await RefusedAsync(Message() with { Priority = 10 });
        await RefusedAsync(Message() with { Priority = -1 });
        await RefusedAsync(Message() with { Head = new byte[(64 * 1024) + 1] });
        await RefusedAsync(Message() with { Payload = Body.Of(new byte[Options.InlineLimit + 1]) });
        await RefusedAsync(Message() with { Delay = TimeSpan.FromTicks(-1) });
        await RefusedAsync(Message() with { IdempotencyKey = new string('k', 256) });
        await RefusedAsync(Message() with { IdempotencyKey = "" });
        await RefusedAsync(Message() with { Id = default });
        await Assert.ThrowsAnyAsync<ArgumentException>(async () => await Store.EnqueueManyAsync(Queue, [], null, default));
        await Assert.ThrowsAnyAsync<ArgumentException>(async () => await Store.EnqueueManyAsync(Queue, [Message(key: "k")], null, default));
        await Assert.ThrowsAnyAsync<ArgumentException>(async () => await Store.EnqueueManyAsync(Queue, [Message(queue: "other")], null, default));
        await Assert.ThrowsAnyAsync<ArgumentException>(async () => await Store.EnqueueManyAsync(Queue, [Message()], new string('é', 2049), default));
        await Assert.ThrowsAnyAsync<ArgumentException>(async () => await Store.EnqueueManyAsync(Queue, Enumerable.Repeat(Message(), 10_001).ToArray(), null, default));
        var large = Body.Of(new byte[Options.InlineLimit]);
        var tooMany = Enumerable.Range(0, (int)(Options.MaxPendingBytes / Options.InlineLimit) + 1).Select(_ => Message() with { Payload = large });
        await Assert.ThrowsAnyAsync<ArgumentException>(async () => await Store.EnqueueManyAsync(Queue, [.. tooMany], null, default));
        Assert.Equal(default, await Store.CountAsync(Queue, default));

        await EnqueueAsync();
        await Assert.ThrowsAnyAsync<ArgumentException>(async () => await Store.LeaseAsync(Queue, TimeSpan.FromMilliseconds(999), TimeSpan.Zero, default));
        await Assert.ThrowsAnyAsync<ArgumentException>(async () => await Store.LeaseAsync(Queue, TimeSpan.FromHours(12.1), TimeSpan.Zero, default));
        await Assert.ThrowsAnyAsync<ArgumentException>(async () => await Store.LeaseAsync(Queue, Visibility, TimeSpan.FromTicks(-1), default));
        var leased = await LeaseAsync();
        await Assert.ThrowsAnyAsync<ArgumentException>(async () => await Store.ExtendAsync([leased.Lease], TimeSpan.Zero, default));
        await Assert.ThrowsAnyAsync<ArgumentException>(async () => await Store.CompleteAsync(leased.Lease, Body.Of(new byte[Options.InlineLimit + 1]), default));
        await Assert.ThrowsAnyAsync<ArgumentException>(async () => await Store.FailAsync(leased.Lease, Failure(), TimeSpan.FromTicks(-1), null, default));
        await Assert.ThrowsAnyAsync<ArgumentException>(async () => await Store.ListAsync(Queue, new MessageQuery(null, 0, null), default));
        await Assert.ThrowsAnyAsync<ArgumentException>(async () => await Store.ListAsync(Queue, new MessageQuery(null, 1001, null), default));
        await Assert.ThrowsAnyAsync<ArgumentException>(async () => await Store.ConfigureAsync(Queue, new QueueSettings(TimeSpan.FromMilliseconds(999)), default));
        Assert.True(await Store.CompleteAsync(leased.Lease, Body.Of(new byte[Options.InlineLimit]), default));
    }

    [Fact]
    public async Task Bounds_JustKept_StoredWhole()
    {
        var payload = new byte[Options.InlineLimit];
        Random.Shared.NextBytes(payload);
        var head = new byte[64 * 1024];
        Random.Shared.NextBytes(head);
        await Store.EnqueueAsync(Message(priority: 9) with { Payload = Body.Of(payload), Head = head, IdempotencyKey = new string('k', 255) }, default);
        await ReopenAsync();

        var leased = await LeaseAsync();

        Assert.Equal(payload, leased.Payload.Inline.ToArray());
        Assert.Equal(head, leased.Head.ToArray());
    }

    [Fact]
    public async Task Attempt_TooLong_IsCut()
    {
        var id = await EnqueueAsync();
        await Store.FailAsync((await LeaseAsync()).Lease, Failure() with { Message = new string('m', 5000), Answer = new string('a', 5000) }, null, null, default);

        var attempt = Assert.Single((await GetAsync(id)).Attempts);
        Assert.Equal((1024, 1024), (attempt.Message.Length, attempt.Answer.Length));
    }

    [Fact]
    public async Task NewId_OverARestart_Rises()
    {
        var before = Enumerable.Range(0, 1000).Select(_ => Store.NewId()).ToArray();
        await EnqueueAsync();
        await ReopenAsync();
        var after = Enumerable.Range(0, 1000).Select(_ => Store.NewId()).ToArray();

        Assert.Equal(2000, before.Concat(after).Select(i => i.Sequence).Distinct().Count());
        Assert.Equal(2000, before.Concat(after).Select(i => i.Secret).Distinct().Count());
        Assert.True(after.Min(i => i.Sequence) > before.Max(i => i.Sequence));
    }

    [Fact]
    public async Task Reopen_EverythingIsAsItWas()
    {
        await Store.ConfigureAsync("retired", new QueueSettings(Retention), default);
        await EnqueueAsync(queue: "retired");
        await Store.RetireAsync("retired", default);
        var completed = await CompleteNewAsync("c");
        var failed = await FailNewAsync("f");
        var leased = await EnqueueAsync("l");
        var old = await LeaseAsync();
        var low = await EnqueueAsync("low");
        var high = await EnqueueAsync("high", priority: 5);
        var cancelled = await EnqueueAsync("x");
        await Store.CancelAsync(Queue, cancelled, default);
        var delayed = await EnqueueAsync("d", priority: 9, delay: TimeSpan.FromMinutes(5), key: "k");
        await Store.EnqueueManyAsync(Queue, [Message("late", delay: TimeSpan.FromHours(100))], "checkpoint", default);

        await ReopenAsync();

        Assert.Equal("result of c", Text((await GetAsync(completed)).Result));
        Assert.Equal(MessageStatus.Failed, (await GetAsync(failed)).Status);
        Assert.Single((await GetAsync(failed)).Attempts);
        Assert.Equal(MessageStatus.Cancelled, (await GetAsync(cancelled)).Status);
        Assert.Equal("checkpoint", await Store.ReadCheckpointAsync(Queue, default));
        Assert.Equal(new EnqueueResult(delayed, IsNew: false), await Store.EnqueueAsync(Message(key: "k"), default));
        Assert.Null(await TryLeaseAsync("retired"));
        Assert.Equal(1, (await Store.CountAsync("retired", default)).Waiting);
        Assert.Equal((3, 2), ((await Store.CountAsync(Queue, default)).Waiting, (await Store.CountAsync(Queue, default)).Delayed));
        var first = await LeaseAsync();
        var second = await LeaseAsync();
        var third = await LeaseAsync();
        Assert.Equal([high, leased, low], [first.Lease.Id, second.Lease.Id, third.Lease.Id]);
        Assert.False(await Store.CompleteAsync(old.Lease, Text("of the process before"), default));
        Assert.Null(await TryLeaseAsync());
        foreach (var lease in new[] { first.Lease, second.Lease, third.Lease })
        {
            Assert.True(await Store.CompleteAsync(lease, Text("r"), default));
        }

        Time.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal(delayed, (await InTimeAsync(Store.LeaseAsync(Queue, Visibility, TimeSpan.FromSeconds(5), default)))!.Lease.Id);
    }

    [Fact]
    public async Task CompleteAsync_LeaseOfAProcessBefore_CountsWhileNobodyHoldsIt()
    {
        var id = await EnqueueAsync();
        var old = await LeaseAsync();
        await ReopenAsync();

        Assert.True(await Store.CompleteAsync(old.Lease, Text("r"), default));

        Assert.Equal("r", Text((await GetAsync(id)).Result));
        Assert.Null(await TryLeaseAsync());
    }

    [Fact]
    public async Task ClockJump_LeasesAndDelays_AreNotMoved()
    {
        var delayed = await EnqueueAsync("d", delay: TimeSpan.FromMinutes(1));
        await EnqueueAsync("l");
        var leased = await LeaseAsync();

        Time.Jump(TimeSpan.FromDays(10));
        Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Null(await TryLeaseAsync());
        Assert.False(leased.Revoked.IsCancellationRequested);

        Time.Jump(-TimeSpan.FromDays(20));
        Time.Advance(Visibility);
        await FiredAsync(leased.Revoked);
        Time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(delayed, (await InTimeAsync(Store.LeaseAsync(Queue, Visibility, TimeSpan.FromSeconds(5), default)))!.Lease.Id);
        Assert.Equal(leased.Lease.Id, (await InTimeAsync(Store.LeaseAsync(Queue, Visibility, TimeSpan.FromSeconds(5), default)))!.Lease.Id);
    }

    private async Task<LeasedMessage> LeaseThatAsync(MessageId id)
    {
        var others = new List<LeasedMessage>();
        while (true)
        {
            var leased = await LeaseAsync();
            if (leased.Lease.Id == id)
            {
                foreach (var other in others)
                {
                    await Store.ReleaseAsync(other.Lease, default);
                }

                return leased;
            }

            others.Add(leased);
        }
    }
}
