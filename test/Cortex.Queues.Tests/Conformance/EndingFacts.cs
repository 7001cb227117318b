namespace Cortex.Queues.Tests.Conformance;

public abstract partial class QueueStoreConformance
{
    [Fact]
    public async Task FailAsync_WithAnAnswer_KeepsItUntilItIsPutBack()
    {
        var small = await EnqueueAsync("small");
        Assert.True(await Store.FailAsync((await LeaseAsync()).Lease, Failure(), null, Text("{} and more"), default));
        var large = await EnqueueAsync("large");
        var lease = (await LeaseAsync()).Lease;
        var blob = Cortex.Queues.Blobs.BlobNames.Result(lease);
        await Blobs.WriteAsync(blob, new MemoryStream(new byte[100]), default);
        Assert.True(await Store.FailAsync(lease, Failure(), null, Body.InBlob(blob, 100), default));
        await ReopenAsync();

        Assert.Equal("{} and more", Text((await GetAsync(small)).Answer));
        Assert.Equal(Body.InBlob(blob, 100), (await GetAsync(large)).Answer);
        Assert.Null((await GetAsync(small)).Result);

        Assert.True((await Store.RetryAsync(Queue, large, default)).Done);
        await Eventually.TrueAsync(async () => await Blobs.OpenAsync(blob, default) is null, "the answer's blob is gone");
        Assert.True(await Store.FailAsync((await LeaseAsync()).Lease, Failure(), null, null, default));
        Assert.Null((await GetAsync(large)).Answer);
    }

    [Fact]
    public async Task FailAsync_WithAnAnswer_GoesWithItsMessage()
    {
        await EnqueueAsync();
        var lease = (await LeaseAsync()).Lease;
        var blob = Cortex.Queues.Blobs.BlobNames.Result(lease);
        await Blobs.WriteAsync(blob, new MemoryStream(new byte[100]), default);
        await Store.FailAsync(lease, Failure(), null, Body.InBlob(blob, 100), default);

        Time.Advance(Retention + TimeSpan.FromMinutes(1));

        await Eventually.TrueAsync(async () => await Blobs.OpenAsync(blob, default) is null, "the answer's blob is gone");
    }

    [Fact]
    public async Task CompleteAsync_Held_ResultIsKept()
    {
        var id = await EnqueueAsync("p", priority: 3);
        var leased = await LeaseAsync();
        Assert.Equal(MessageStatus.Leased, (await GetAsync(id)).Status);
        Time.Advance(TimeSpan.FromSeconds(2));

        Assert.True(await Store.CompleteAsync(leased.Lease, Text("42"), default));

        var record = await GetAsync(id);
        Assert.Equal(MessageStatus.Completed, record.Status);
        Assert.Equal("42", Text(record.Result));
        Assert.Equal(Time.GetUtcNow(), record.FinishedAt);
        Assert.Equal(Time.GetUtcNow() - TimeSpan.FromSeconds(2), record.EnqueuedAt);
        Assert.Equal(3, record.Priority);
        Assert.Null(record.Payload);
        Assert.True(record.Head.IsEmpty);
        Assert.Null(record.FollowUp);
        Assert.Null(record.NotBefore);
        Assert.False(leased.Revoked.IsCancellationRequested);
    }

    [Fact]
    public async Task CompleteAsync_Again_FirstResultStands()
    {
        var id = await EnqueueAsync();
        var leased = await LeaseAsync();
        Assert.True(await Store.CompleteAsync(leased.Lease, Text("first"), default));

        Assert.False(await Store.CompleteAsync(leased.Lease, Text("second"), default));
        Assert.False(await Store.FailAsync(leased.Lease, Failure(), null, null, default));

        var record = await GetAsync(id);
        Assert.Equal("first", Text(record.Result));
        Assert.Empty(record.Attempts);
    }

    [Fact]
    public async Task CompleteAsync_ManyAtOnce_ExactlyOneCounts()
    {
        var id = await EnqueueAsync();
        var leased = await LeaseAsync();

        var outcomes = await Task.WhenAll(Enumerable.Range(0, 16).Select(i => Store.CompleteAsync(leased.Lease, Text($"{i}"), default).AsTask()));

        var winner = Assert.Single(Enumerable.Range(0, 16), i => outcomes[i]);
        Assert.Equal($"{winner}", Text((await GetAsync(id)).Result));
    }

    [Fact]
    public async Task CompleteAsync_EmptyResult_IsEmpty()
    {
        var id = await EnqueueAsync("");
        var leased = await LeaseAsync();
        Assert.Equal(0, leased.Payload.Length);

        Assert.True(await Store.CompleteAsync(leased.Lease, Body.Of(default), default));

        var record = await GetAsync(id);
        Assert.Equal(0, record.Result!.Value.Length);
        Assert.Null(record.Result.Value.Blob);
    }

    [Fact]
    public async Task CompleteAsync_OtherSecret_NothingWritten()
    {
        var id = await EnqueueAsync();
        var leased = await LeaseAsync();

        Assert.False(await Store.CompleteAsync(leased.Lease with { Id = id with { Secret = id.Secret ^ 1 } }, Text("forged"), default));

        Assert.Equal(MessageStatus.Leased, (await GetAsync(id)).Status);
    }

    [Fact]
    public async Task FailAsync_GivenUp_FailedWithPayloadAndAttempt()
    {
        var id = await EnqueueAsync("p");
        var attempt = Failure();

        Assert.True(await Store.FailAsync((await LeaseAsync()).Lease, attempt, null, null, default));

        var record = await GetAsync(id);
        Assert.Equal(MessageStatus.Failed, record.Status);
        Assert.Equal("p", Text(record.Payload));
        Assert.Equal("head of p", System.Text.Encoding.UTF8.GetString(record.Head.Span));
        Assert.Equal((1, 0), (record.FailedAttempts, record.LostAttempts));
        Assert.Equal(Time.GetUtcNow(), record.FinishedAt);
        Assert.Equal(attempt, Assert.Single(record.Attempts));
        Assert.Null(record.Result);
        Assert.Null(await TryLeaseAsync());
    }

    [Fact]
    public async Task FailAsync_RetryLater_AvailableThenWithCount()
    {
        var id = await EnqueueAsync("p");
        await EnqueueAsync("later one");
        var first = await LeaseAsync();

        Assert.True(await Store.FailAsync(first.Lease, Failure(), TimeSpan.FromSeconds(10), null, default));

        var record = await GetAsync(id);
        Assert.Equal(MessageStatus.Waiting, record.Status);
        Assert.Equal(Time.GetUtcNow() + TimeSpan.FromSeconds(10), record.NotBefore);
        Assert.Null(record.FinishedAt);
        Assert.Equal("later one", Text((await LeaseAsync()).Payload));
        Assert.Null(await TryLeaseAsync());
        Time.Advance(TimeSpan.FromSeconds(10));
        var second = (await InTimeAsync(Store.LeaseAsync(Queue, Visibility, TimeSpan.FromSeconds(5), default)))!;
        Assert.Equal(id, second.Lease.Id);
        Assert.Equal("p", Text(second.Payload));
        Assert.Equal((1, 0), (second.FailedAttempts, second.LostAttempts));
    }

    [Fact]
    public async Task FailAsync_RetryAtOnce_AvailableBeforeYoungerOnes()
    {
        var id = await EnqueueAsync("old");
        await EnqueueAsync("young");

        await Store.FailAsync((await LeaseAsync()).Lease, Failure(), TimeSpan.Zero, null, default);

        Assert.Equal(id, (await LeaseAsync()).Lease.Id);
    }

    [Fact]
    public async Task FailAsync_LeaseThatEndedAnAttempt_CountsNoMore()
    {
        var id = await EnqueueAsync();
        var leased = await LeaseAsync();
        Assert.True(await Store.FailAsync(leased.Lease, Failure(), TimeSpan.FromSeconds(10), null, default));

        Assert.False(await Store.FailAsync(leased.Lease, Failure(), TimeSpan.Zero, null, default));
        Assert.False(await Store.CompleteAsync(leased.Lease, Text("r"), default));

        Assert.Equal(1, (await GetAsync(id)).FailedAttempts);
    }

    [Fact]
    public async Task LoseAsync_Held_CountedApart()
    {
        var id = await EnqueueAsync();

        Assert.True(await Store.LoseAsync((await LeaseAsync()).Lease, Failure("replica_lost"), TimeSpan.Zero, default));
        Assert.True(await Store.LoseAsync((await LeaseAsync()).Lease, Failure("replica_lost"), TimeSpan.FromSeconds(3), default));

        Assert.Null(await TryLeaseAsync());
        Time.Advance(TimeSpan.FromSeconds(3));
        var leased = (await InTimeAsync(Store.LeaseAsync(Queue, Visibility, TimeSpan.FromSeconds(5), default)))!;
        Assert.Equal((0, 2), (leased.FailedAttempts, leased.LostAttempts));
        Assert.Equal(["replica_lost", "replica_lost"], (await GetAsync(id)).Attempts.Select(a => a.Reason));
    }

    [Fact]
    public async Task Attempts_MoreThanKept_LatestStayOldestFirst()
    {
        var id = await EnqueueAsync();
        for (var i = 1; i <= Options.AttemptsKept + 2; i++)
        {
            await Store.FailAsync((await LeaseAsync()).Lease, Failure($"reason_{i}"), TimeSpan.Zero, null, default);
        }

        await Store.CompleteAsync((await LeaseAsync()).Lease, Text("r"), default);

        var record = await GetAsync(id);
        Assert.Equal(["reason_3", "reason_4", "reason_5"], record.Attempts.Select(a => a.Reason));
        Assert.Equal(5, record.FailedAttempts);
    }

    [Fact]
    public async Task CancelAsync_Waiting_NeverLeased()
    {
        var cancelled = await EnqueueAsync("a");
        var other = await EnqueueAsync("b");

        Assert.Equal(new ChangeOutcome(Done: true, MessageStatus.Cancelled), await Store.CancelAsync(Queue, cancelled, default));

        var record = await GetAsync(cancelled);
        Assert.Equal(MessageStatus.Cancelled, record.Status);
        Assert.Equal(Time.GetUtcNow(), record.FinishedAt);
        Assert.Equal("a", Text(record.Payload));
        Assert.Equal(other, (await LeaseAsync()).Lease.Id);
        Assert.Null(await TryLeaseAsync());
    }

    [Fact]
    public async Task CancelAsync_Delayed_NeverDue()
    {
        var id = await EnqueueAsync(delay: TimeSpan.FromSeconds(5));

        await Store.CancelAsync(Queue, id, default);

        Assert.Equal(default, await Store.CountAsync(Queue, default));
        Time.Advance(TimeSpan.FromSeconds(10));
        Assert.Null(await TryLeaseAsync());
        Assert.Equal(MessageStatus.Cancelled, (await GetAsync(id)).Status);
    }

    [Fact]
    public async Task CancelAsync_Leased_RevokedAndItsResultRefused()
    {
        var id = await EnqueueAsync();
        var leased = await LeaseAsync();

        Assert.True((await Store.CancelAsync(Queue, id, default)).Done);

        await FiredAsync(leased.Revoked);
        Assert.False(await Store.CompleteAsync(leased.Lease, Text("r"), default));
        await Store.ReleaseAsync(leased.Lease, default);
        Assert.Null(await TryLeaseAsync());
        Assert.Equal(MessageStatus.Cancelled, (await GetAsync(id)).Status);
        Assert.Equal(0, (await Store.CountAsync(Queue, default)).Leased);
    }

    [Fact]
    public async Task CancelAsync_FinalOrUnknown_SaysWhatItIs()
    {
        var completed = await CompleteNewAsync();
        var failed = await FailNewAsync();

        Assert.Equal(new ChangeOutcome(Done: false, MessageStatus.Completed), await Store.CancelAsync(Queue, completed, default));
        Assert.Equal(new ChangeOutcome(Done: false, MessageStatus.Failed), await Store.CancelAsync(Queue, failed, default));
        Assert.Equal(new ChangeOutcome(Done: false, null), await Store.CancelAsync(Queue, Store.NewId(), default));
        Assert.Equal(new ChangeOutcome(Done: false, null), await Store.CancelAsync(Queue, failed with { Secret = failed.Secret ^ 1 }, default));
    }

    [Fact]
    public async Task CancelAsync_RacingWithComplete_ExactlyOneWins()
    {
        for (var i = 0; i < 50; i++)
        {
            var id = await EnqueueAsync();
            var leased = await LeaseAsync();

            var complete = Store.CompleteAsync(leased.Lease, Text("r"), default).AsTask();
            var cancel = Store.CancelAsync(Queue, id, default).AsTask();

            Assert.NotEqual(await complete, (await cancel).Done);
            Assert.Equal(await complete ? MessageStatus.Completed : MessageStatus.Cancelled, (await GetAsync(id)).Status);
        }
    }

    [Fact]
    public async Task RetryAsync_Failed_BackWithFreshCountsAndOldAttempts()
    {
        var id = await FailNewAsync("p");

        Assert.Equal(new ChangeOutcome(Done: true, MessageStatus.Waiting), await Store.RetryAsync(Queue, id, default));

        var record = await GetAsync(id);
        Assert.Equal(MessageStatus.Waiting, record.Status);
        Assert.Null(record.FinishedAt);
        Assert.Single(record.Attempts);
        var leased = await LeaseAsync();
        Assert.Equal(id, leased.Lease.Id);
        Assert.Equal("p", Text(leased.Payload));
        Assert.Equal((0, 0), (leased.FailedAttempts, leased.LostAttempts));
        Assert.True(await Store.CompleteAsync(leased.Lease, Text("r"), default));
        Assert.Equal(MessageStatus.Completed, (await GetAsync(id)).Status);
    }

    [Fact]
    public async Task RetryAsync_Cancelled_InEachState_LeasedOnceAgain()
    {
        var waiting = await EnqueueAsync("w");
        var delayed = await EnqueueAsync("d", delay: TimeSpan.FromHours(10));
        var leased = await LeaseAsync();
        var again = await EnqueueAsync("w2");

        foreach (var id in new[] { waiting, delayed, again })
        {
            Assert.True((await Store.CancelAsync(Queue, id, default)).Done);
            Assert.True((await Store.RetryAsync(Queue, id, default)).Done);
        }

        Assert.Equal(3, (await Store.CountAsync(Queue, default)).Waiting);
        Assert.Equal([waiting, delayed, again], [(await LeaseAsync()).Lease.Id, (await LeaseAsync()).Lease.Id, (await LeaseAsync()).Lease.Id]);
        Assert.Null(await TryLeaseAsync());
        Assert.False(await Store.CompleteAsync(leased.Lease, Text("r"), default));
    }

    [Fact]
    public async Task RetryAsync_CancelledWhileLeased_OldLeaseCountsNoMore()
    {
        var id = await EnqueueAsync();
        var old = await LeaseAsync();
        await Store.CancelAsync(Queue, id, default);
        await Store.RetryAsync(Queue, id, default);

        Assert.False(await Store.CompleteAsync(old.Lease, Text("of the cancelled work"), default));

        Assert.Equal(id, (await LeaseAsync()).Lease.Id);
    }

    [Fact]
    public async Task RetryAsync_NotFailed_StaysAsItIs()
    {
        var completed = await CompleteNewAsync();
        var waiting = await EnqueueAsync();

        Assert.Equal(new ChangeOutcome(Done: false, MessageStatus.Completed), await Store.RetryAsync(Queue, completed, default));
        Assert.Equal(new ChangeOutcome(Done: false, MessageStatus.Waiting), await Store.RetryAsync(Queue, waiting, default));
        await LeaseAsync();
        Assert.Equal(new ChangeOutcome(Done: false, MessageStatus.Leased), await Store.RetryAsync(Queue, waiting, default));
        Assert.Equal(new ChangeOutcome(Done: false, null), await Store.RetryAsync(Queue, Store.NewId(), default));
    }

    [Theory]
    [InlineData("complete")]
    [InlineData("fail")]
    [InlineData("cancel")]
    public async Task FollowUp_MessageBecomesFinal_PutIntoItsQueueInTheSameCommit(string end)
    {
        await Store.ConfigureAsync("callbacks", new QueueSettings(Retention), default);
        var id = await EnqueueAsync("p", followUp: "callbacks");
        var leased = await LeaseAsync();
        Assert.Equal(default, await Store.CountAsync("callbacks", default));
        if (end == "complete")
        {
            Assert.True(await Store.CompleteAsync(leased.Lease, Text("r"), default));
        }
        else if (end == "fail")
        {
            Assert.True(await Store.FailAsync(leased.Lease, Failure(), null, null, default));
        }
        else
        {
            Assert.True((await Store.CancelAsync(Queue, id, default)).Done);
        }

        var followUp = await LeaseAsync("callbacks");
        Assert.Equal(followUp.Lease.Id, (await GetAsync(id)).FollowUp);
        Assert.Equal(id.ToString(), Text(followUp.Payload));
        Assert.Equal("head of p", System.Text.Encoding.UTF8.GetString(followUp.Head.Span));
        Assert.Null(await TryLeaseAsync("callbacks"));
    }

    [Fact]
    public async Task FollowUp_AttemptFailsWithRetry_None()
    {
        await Store.ConfigureAsync("callbacks", new QueueSettings(Retention), default);
        var id = await EnqueueAsync(followUp: "callbacks");

        await Store.FailAsync((await LeaseAsync()).Lease, Failure(), TimeSpan.Zero, null, default);
        await Store.LoseAsync((await LeaseAsync()).Lease, Failure(), TimeSpan.Zero, default);

        Assert.Null((await GetAsync(id)).FollowUp);
        Assert.Null(await TryLeaseAsync("callbacks"));
    }

    [Fact]
    public async Task FollowUp_FinalAgainAfterRetry_OneMore()
    {
        await Store.ConfigureAsync("callbacks", new QueueSettings(Retention), default);
        var id = await EnqueueAsync(followUp: "callbacks");
        await Store.FailAsync((await LeaseAsync()).Lease, Failure(), null, null, default);
        var first = await LeaseAsync("callbacks");
        await Store.RetryAsync(Queue, id, default);

        await Store.CompleteAsync((await LeaseAsync()).Lease, Text("r"), default);

        var second = await LeaseAsync("callbacks");
        Assert.NotEqual(first.Lease.Id, second.Lease.Id);
        Assert.Equal(second.Lease.Id, (await GetAsync(id)).FollowUp);
    }

    [Fact]
    public async Task FollowUp_QueueIsGone_MessageBecomesFinalAllTheSame()
    {
        await Store.ConfigureAsync("callbacks", new QueueSettings(Retention), default);
        var id = await EnqueueAsync(followUp: "callbacks");
        await Store.DeleteAsync("callbacks", default);

        Assert.True(await Store.CompleteAsync((await LeaseAsync()).Lease, Text("r"), default));

        var record = await GetAsync(id);
        Assert.Equal(MessageStatus.Completed, record.Status);
        Assert.Null(record.FollowUp);
    }
}
