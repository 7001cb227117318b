using System.Collections.Concurrent;
using Cortex.Gateway.Admission;
using Cortex.Gateway.Replicas;
using Cortex.Gateway.Routing;
using Cortex.Gateway.Tests.Support;
using Cortex.Routing;

namespace Cortex.Gateway.Tests.Admission;

public sealed class ApiGateTests : IDisposable
{
    private static readonly AdmissionLimits Limits = new(TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(20));
    private readonly ManualTime _time = new();
    private readonly CancellationTokenSource _leave = new();

    public void Dispose() => _leave.Dispose();

    [Fact]
    public async Task EnterAsync_SlotsFree_TakesLeastLoadedInTurn()
    {
        using var gate = Gate(2, 0, "a", "b", "c");

        var ids = new List<string>();
        for (var i = 0; i < 6; i++)
        {
            ids.Add((await EnterAsync(gate)).Address.Id);
        }

        Assert.Equal(["a", "b", "c", "a", "b", "c"], ids);
    }

    [Fact]
    public async Task EnterAsync_OneReplicaLessLoaded_TakesIt()
    {
        using var gate = Gate(5, 0, "a", "b");
        var first = await EnterAsync(gate);
        var second = await EnterAsync(gate);
        await EnterAsync(gate);
        await EnterAsync(gate);
        gate.Release(second);
        gate.Release(second);

        Assert.NotSame(first, second);
        Assert.Same(second, await EnterAsync(gate));
        Assert.Same(second, await EnterAsync(gate));
    }

    [Fact]
    public async Task EnterAsync_Uncontended_CompletesAtOnceWithoutAllocation()
    {
        using var gate = Gate(10, 10, "a", "b");
        gate.Release(await EnterAsync(gate));
        var before = GC.GetAllocatedBytesForCurrentThread();

        for (var i = 0; i < 1000; i++)
        {
            var entry = gate.EnterAsync(CancellationToken.None);
            if (!entry.IsCompletedSuccessfully)
            {
                Assert.Fail("not synchronous");
            }

            gate.Release(entry.Result.Replica!);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void EnterAsync_NoReplica_SaysSo()
    {
        using var gate = Gate(1, 10);

        Assert.Equal(AdmissionOutcome.NoReplica, gate.EnterAsync(default).Result.Outcome);
    }

    [Fact]
    public async Task EnterAsync_QueueFull_RefusesAtOnce()
    {
        using var gate = Gate(1, 2, "a", "b");
        await EnterAsync(gate);
        await EnterAsync(gate);
        var waiting = Enumerable.Range(0, 4).Select(_ => gate.EnterAsync(default).AsTask()).ToArray();

        var refused = gate.EnterAsync(default);

        Assert.True(refused.IsCompleted);
        Assert.Equal(AdmissionOutcome.QueueFull, (await refused).Outcome);
        Assert.Equal(new ApiTraffic(2, 4), gate.Traffic);
        Assert.All(waiting, static wait => Assert.False(wait.IsCompleted));
    }

    [Fact]
    public async Task Release_RequestsWait_ServesThemInArrivalOrder()
    {
        using var gate = Gate(1, 100, "a");
        var replica = await EnterAsync(gate);
        var waiting = Enumerable.Range(0, 50).Select(_ => gate.EnterAsync(default).AsTask()).ToArray();

        for (var i = 0; i < waiting.Length; i++)
        {
            Assert.False(waiting[i].IsCompleted);
            gate.Release(replica);
            Assert.Equal(AdmissionOutcome.Granted, (await waiting[i].WithinLimit()).Outcome);
        }
    }

    [Fact]
    public async Task EnterAsync_SlotFreeButOthersWait_CannotOvertake()
    {
        using var gate = Gate(1, 100, "a");
        var replica = await EnterAsync(gate);
        var first = gate.EnterAsync(default).AsTask();
        gate.Release(replica);
        var second = gate.EnterAsync(default).AsTask();

        Assert.Equal(AdmissionOutcome.Granted, (await first.WithinLimit()).Outcome);
        Assert.False(second.IsCompleted);
    }

    [Fact]
    public async Task EnterAsync_ClientLeavesWhileWaiting_FreesItsPlace()
    {
        using var gate = Gate(1, 1, "a");
        var replica = await EnterAsync(gate);
        var waiting = gate.EnterAsync(_leave.Token).AsTask();
        Assert.Equal(AdmissionOutcome.QueueFull, (await gate.EnterAsync(default)).Outcome);

        await _leave.CancelAsync();

        Assert.Equal(AdmissionOutcome.ClientLeft, (await waiting.WithinLimit()).Outcome);
        var next = gate.EnterAsync(default).AsTask();
        gate.Release(replica);
        Assert.Equal(AdmissionOutcome.Granted, (await next.WithinLimit()).Outcome);
        Assert.Equal(new ApiTraffic(1, 0), gate.Traffic);
    }

    [Fact]
    public async Task EnterAsync_ClientAlreadyGone_DoesNotStayInQueue()
    {
        using var gate = Gate(1, 5, "a");
        await EnterAsync(gate);
        await _leave.CancelAsync();

        Assert.Equal(AdmissionOutcome.ClientLeft, (await gate.EnterAsync(_leave.Token)).Outcome);
        Assert.Equal(0, gate.Traffic.Queued);
    }

    [Fact]
    public async Task EnterAsync_NoSlotWithinTimeout_TimesOut()
    {
        using var gate = Gate(1, 5, "a");
        await EnterAsync(gate);
        var first = gate.EnterAsync(default).AsTask();
        _time.Advance(TimeSpan.FromSeconds(30));
        var second = gate.EnterAsync(default).AsTask();

        _time.Advance(TimeSpan.FromSeconds(31));
        Assert.Equal(AdmissionOutcome.TimedOut, (await first.WithinLimit()).Outcome);
        Assert.False(second.IsCompleted);

        _time.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal(AdmissionOutcome.TimedOut, (await second.WithinLimit()).Outcome);
        Assert.Equal(0, gate.Traffic.Queued);
    }

    [Fact]
    public async Task Apply_LastReplicaVanishesAndReturns_WaitersAreServed()
    {
        using var gate = Gate(1, 5, "a");
        await EnterAsync(gate);
        var waiting = gate.EnterAsync(default).AsTask();

        gate.Apply(Route(1, 5));
        Assert.False(waiting.IsCompleted);
        Assert.Equal(AdmissionOutcome.NoReplica, (await gate.EnterAsync(default)).Outcome);

        gate.Apply(Route(1, 5, "b"));
        Assert.Equal("b", (await waiting.WithinLimit()).Replica!.Address.Id);
    }

    [Fact]
    public async Task Apply_ReplicaLeavesAndReturnsBusy_KeepsItsCount()
    {
        using var gate = Gate(2, 5, "a");
        var replica = await EnterAsync(gate);
        await EnterAsync(gate);

        gate.Apply(Route(2, 5));
        gate.Apply(Route(2, 5, "a"));
        var third = gate.EnterAsync(default).AsTask();

        Assert.False(third.IsCompleted);
        gate.Release(replica);
        Assert.Same(replica, (await third.WithinLimit()).Replica);
    }

    [Fact]
    public async Task Apply_LimitLowered_GrantsNothingUntilBelow()
    {
        using var gate = Gate(3, 5, "a");
        var replica = await EnterAsync(gate);
        await EnterAsync(gate);
        await EnterAsync(gate);

        gate.Apply(Route(1, 5, "a"));
        var waiting = gate.EnterAsync(default).AsTask();
        gate.Release(replica);
        gate.Release(replica);
        Assert.False(waiting.IsCompleted);
        gate.Release(replica);

        Assert.Equal(AdmissionOutcome.Granted, (await waiting.WithinLimit()).Outcome);
    }

    [Fact]
    public async Task Apply_LimitRaised_WakesWaiters()
    {
        using var gate = Gate(1, 5, "a");
        await EnterAsync(gate);
        var waiting = Enumerable.Range(0, 3).Select(_ => gate.EnterAsync(default).AsTask()).ToArray();

        gate.Apply(Route(3, 5, "a"));

        await Task.WhenAll(waiting[..2]).WithinLimit();
        Assert.False(waiting[2].IsCompleted);
    }

    [Fact]
    public async Task Remove_RequestsWait_TheyAreTold()
    {
        using var gate = Gate(1, 5, "a");
        var replica = await EnterAsync(gate);
        var waiting = gate.EnterAsync(default).AsTask();

        gate.Remove();

        Assert.Equal(AdmissionOutcome.ApiRemoved, (await waiting.WithinLimit()).Outcome);
        Assert.Equal(AdmissionOutcome.ApiRemoved, (await gate.EnterAsync(default)).Outcome);
        gate.Release(replica);
        Assert.Equal(default, gate.Traffic);
    }

    [Fact]
    public async Task WhenDrained_RequestsInProgress_CompletesAtTheLast()
    {
        using var gate = Gate(2, 5, "a");
        var replica = await EnterAsync(gate);
        await EnterAsync(gate);
        gate.Apply(Route(2, 5));

        var drained = gate.WhenDrained("a");
        gate.Release(replica);
        Assert.False(drained.IsCompleted);
        gate.Release(replica);

        await drained.WithinLimit();
        Assert.True(gate.WhenDrained("a").IsCompleted);
        Assert.True(gate.WhenDrained("unknown").IsCompleted);
    }

    [Fact]
    public async Task ReleaseUnreachable_OtherReplicaReady_PassesOverForAWhile()
    {
        using var gate = Gate(1, 5, "a", "b");
        var a = await EnterAsync(gate);
        gate.ReleaseUnreachable(a);

        var b = await EnterAsync(gate);
        Assert.Equal("b", b.Address.Id);
        var waiting = gate.EnterAsync(default).AsTask();
        Assert.False(waiting.IsCompleted);   // b is full, a is passed over

        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.Same(a, (await waiting.WithinLimit()).Replica);
    }

    [Fact]
    public async Task ReleaseUnreachable_OnlyReplica_IsTriedAllTheSame()
    {
        using var gate = Gate(1, 5, "a");
        gate.ReleaseUnreachable(await EnterAsync(gate));

        Assert.Equal("a", (await EnterAsync(gate)).Address.Id);
    }

    [Fact]
    public async Task EnterAgainAsync_OthersWait_GoesFirstToAReplicaItHasNotTried()
    {
        using var gate = Gate(1, 5, "a", "b");
        var a = await EnterAsync(gate);
        var b = await EnterAsync(gate);
        var waiting = gate.EnterAsync(default).AsTask();
        gate.ReleaseUnreachable(a);
        var again = gate.EnterAgainAsync([a], default).AsTask();

        gate.Release(b);

        Assert.Same(b, (await again.WithinLimit()).Replica);
        Assert.False(waiting.IsCompleted);
        Assert.Equal(AdmissionOutcome.AllTried, (await gate.EnterAgainAsync([a, b], default)).Outcome);
    }

    [Fact]
    public async Task EnterAgainAsync_OnlyTriedReplicaFree_LetsOthersHaveIt()
    {
        using var gate = Gate(1, 5, "a", "b");
        var a = await EnterAsync(gate);
        await EnterAsync(gate);
        var again = gate.EnterAgainAsync([a], default).AsTask();
        var waiting = gate.EnterAsync(default).AsTask();

        gate.Release(a);

        Assert.Same(a, (await waiting.WithinLimit()).Replica);
        Assert.False(again.IsCompleted);
    }

    [Fact]
    public async Task EnterAndRelease_ManyThreadsAndChangingRoutes_NeverExceedLimits()
    {
        const int MaxConcurrency = 3;
        using var gate = Gate(MaxConcurrency, 1000, "a", "b");
        var held = new ConcurrentDictionary<Replica, int>();
        var worst = 0;
        var outcomes = new ConcurrentDictionary<AdmissionOutcome, int>();
        using var done = new CancellationTokenSource();
        var changes = Task.Run(() =>
        {
            var random = new Random(1);
            while (!done.IsCancellationRequested)
            {
                gate.Apply(Route(MaxConcurrency, 1000, [.. new[] { "a", "b", "c" }.Where(_ => random.Next(3) > 0)]));
            }
        });

        await Task.WhenAll(Enumerable.Range(0, 16).Select(seed => Task.Run(async () =>
        {
            var random = new Random(seed);
            for (var i = 0; i < 500; i++)
            {
                using var leave = new CancellationTokenSource();
                var entering = gate.EnterAsync(leave.Token);
                if (random.Next(4) == 0)
                {
                    await leave.CancelAsync();
                }

                // A wait may last until a replica is back: the changing routes bring one.
                var entry = await entering.AsTask().WithinLimit();
                outcomes.AddOrUpdate(entry.Outcome, 1, static (_, count) => count + 1);
                if (entry.Replica is { } replica)
                {
                    var now = held.AddOrUpdate(replica, 1, static (_, count) => count + 1);
                    InterlockedMax(ref worst, now);
                    await Task.Yield();
                    held.AddOrUpdate(replica, 0, static (_, count) => count - 1);
                    gate.Release(replica);
                }
            }
        }))).WithinLimit();
        await done.CancelAsync();
        await changes;

        Assert.InRange(worst, 1, MaxConcurrency);
        Assert.Equal(new ApiTraffic(0, 0), gate.Traffic);
        Assert.Equal(16 * 500, outcomes.Values.Sum());
        Assert.DoesNotContain(AdmissionOutcome.QueueFull, outcomes.Keys);
    }

    [Fact]
    public async Task Release_LongQueueOfRequestsThatEndAtOnce_DoesNotOverflowTheStack()
    {
        const int Requests = 50_000;
        using var gate = Gate(1, Requests, "a");
        var replica = await EnterAsync(gate);
        var served = 0;
        var all = Enumerable.Range(0, Requests).Select(_ => ServeAsync()).ToArray();

        gate.Release(replica);

        await Task.WhenAll(all).WithinLimit();
        Assert.Equal(Requests, served);

        async Task ServeAsync()
        {
            var entry = await gate.EnterAsync(default);
            Interlocked.Increment(ref served);
            gate.Release(entry.Replica!);
        }
    }

    private static void InterlockedMax(ref int target, int value)
    {
        int seen;
        while ((seen = Volatile.Read(ref target)) < value && Interlocked.CompareExchange(ref target, value, seen) != seen)
        {
        }
    }

    private static async Task<Replica> EnterAsync(ApiGate gate)
    {
        var entry = gate.EnterAsync(default);
        Assert.True(entry.IsCompleted);
        return Assert.IsType<Replica>((await entry).Replica);
    }

    private static RealtimeRoute Route(int maxConcurrency, int maxQueueLength, params string[] replicas) =>
        Routes.Api("api", maxConcurrency, maxQueueLength, [.. replicas.Select(id => Routes.Replica(id))]);

    private ApiGate Gate(int maxConcurrency, int maxQueueLength, params string[] replicas) =>
        new(Route(maxConcurrency, maxQueueLength, replicas), Limits, new UpstreamConnector(new GatewayOptions(), _time), new WakeDemand(0, static _ => { }), _time);
}
