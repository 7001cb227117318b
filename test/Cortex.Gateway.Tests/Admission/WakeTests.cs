using Cortex.Gateway.Admission;
using Cortex.Gateway.Replicas;
using Cortex.Gateway.Routing;
using Cortex.Gateway.Tests.Support;
using Cortex.Routing;

namespace Cortex.Gateway.Tests.Admission;

/// <summary>The gate of an API without a replica.</summary>
public sealed class WakeTests : IDisposable
{
    private const long Buffer = 1000;
    private static readonly AdmissionLimits Limits = new(TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(100));
    private readonly ManualTime _time = new();
    private readonly List<string> _signals = [];
    private readonly CancellationTokenSource _leave = new();
    private readonly ApiGate _gate;

    public WakeTests() => _gate = new ApiGate(
        Sleeping(), Limits, new UpstreamConnector(new GatewayOptions(), _time), new WakeDemand(Buffer, _signals.Add), _time);

    public void Dispose()
    {
        _gate.Dispose();
        _leave.Dispose();
    }

    [Fact]
    public void EnterAsync_Asleep_SaysSoAndWakesNobodyYet()
    {
        Assert.Equal(AdmissionOutcome.Asleep, _gate.EnterAsync(default).Result.Outcome);
        Assert.Empty(_signals);
    }

    [Fact]
    public async Task WakeAsync_FirstReplicaComes_GetsItsSlotsInArrivalOrder()
    {
        var waiting = Enumerable.Range(0, 4).Select(_ => WakeAsync()).ToArray();
        Assert.Equal(new ApiTraffic(0, 4), _gate.Traffic);

        _gate.Apply(Awake("a"));

        var first = await waiting[0].WithinLimit();
        Assert.Equal((AdmissionOutcome.Granted, "a"), (first.Outcome, first.Replica!.Address.Id));
        Assert.Equal(AdmissionOutcome.Granted, (await waiting[1].WithinLimit()).Outcome);
        Assert.False(waiting[2].IsCompleted);
        _gate.Release(first.Replica);
        Assert.Equal(AdmissionOutcome.Granted, (await waiting[2].WithinLimit()).Outcome);
        Assert.False(waiting[3].IsCompleted);
    }

    [Fact]
    public void WakeAsync_ManyWait_SignalsOnceAtOnceAndThenEachSecond()
    {
        _ = WakeAsync();
        _ = WakeAsync();
        Assert.Equal(["api"], _signals);

        _time.Advance(TimeSpan.FromSeconds(3.5));
        Assert.Equal(4, _signals.Count);

        _gate.Apply(Awake("a"));
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(4, _signals.Count);
    }

    [Fact]
    public async Task WakeAsync_FirstOneLeft_SignalsAtOnceForTheNext()
    {
        var first = WakeAsync(cancellationToken: _leave.Token);
        await _leave.CancelAsync();
        Assert.Equal(AdmissionOutcome.ClientLeft, (await first.WithinLimit()).Outcome);
        Assert.Equal(default, _gate.Traffic);

        _ = WakeAsync();

        Assert.Equal(2, _signals.Count);
    }

    [Fact]
    public async Task WakeAsync_AsManyWaitAsOneReplicaMayHave_RefusesMore()
    {
        // 2 that it would work on and 3 that may wait for it.
        var waiting = Enumerable.Range(0, 5).Select(_ => WakeAsync()).ToArray();

        Assert.Equal(AdmissionOutcome.QueueFull, (await WakeAsync()).Outcome);
        Assert.All(waiting, static wait => Assert.False(wait.IsCompleted));
    }

    [Fact]
    public async Task WakeAsync_BodiesTakeTooMuchMemory_RefusesUntilSomeIsFree()
    {
        var big = WakeAsync(600, _leave.Token);
        Assert.Equal(AdmissionOutcome.QueueFull, (await WakeAsync(401)).Outcome);
        _ = WakeAsync(400);
        _ = WakeAsync(0);

        await _leave.CancelAsync();
        await big.WithinLimit();

        Assert.Equal(AdmissionOutcome.QueueFull, (await WakeAsync(601)).Outcome);
        Assert.False(WakeAsync(600).IsCompleted);
    }

    [Fact]
    public async Task WakeAsync_MemoryOfThoseWhoWokeUp_IsFree()
    {
        var woken = WakeAsync(Buffer);
        _gate.Apply(Awake("a"));
        _gate.Release((await woken.WithinLimit()).Replica!);
        _gate.Apply(Sleeping());

        Assert.False(WakeAsync(Buffer).IsCompleted);
    }

    [Fact]
    public async Task WakeAsync_NoReplicaInTime_SaysWhatKeepsIt()
    {
        var first = WakeAsync();
        _time.Advance(TimeSpan.FromSeconds(50));
        var second = WakeAsync();
        _gate.Apply(Sleeping() with { StartDelay = "not enough memory" });

        _time.Advance(TimeSpan.FromSeconds(51));

        Assert.Equal(new AdmissionResult(AdmissionOutcome.NotAwakeInTime, null, "not enough memory"), await first.WithinLimit());
        Assert.False(second.IsCompleted);
    }

    [Fact]
    public async Task Apply_ReplicaCannotStart_RefusesThoseWhoWaitAndThoseWhoCome()
    {
        var waiting = WakeAsync();

        _gate.Apply(Sleeping() with { StartFailure = "no such image" });

        var refused = new AdmissionResult(AdmissionOutcome.CannotStart, null, "no such image");
        Assert.Equal(refused, await waiting.WithinLimit());
        Assert.Equal(refused, await WakeAsync());

        _gate.Apply(Sleeping());
        Assert.False(WakeAsync().IsCompleted);
    }

    [Fact]
    public async Task Apply_ReplicaThatWokeThemIsGoneAndNoneCanStart_RefusesThoseWhoWaitForItsSlot()
    {
        var waiting = Enumerable.Range(0, 3).Select(_ => WakeAsync()).ToArray();
        _gate.Apply(Awake("a"));
        Assert.All(await Task.WhenAll(waiting[..2]).WithinLimit(), result => Assert.Equal(AdmissionOutcome.Granted, result.Outcome));

        _gate.Apply(Sleeping() with { StartFailure = "it exits with 1" });

        Assert.Equal(new AdmissionResult(AdmissionOutcome.CannotStart, null, "it exits with 1"), await waiting[2].WithinLimit());
    }

    [Fact]
    public async Task WakeAsync_WokenButNoSlotInTime_TimesOutAsOthersDo()
    {
        var waiting = Enumerable.Range(0, 3).Select(_ => WakeAsync()).ToArray();
        _time.Advance(TimeSpan.FromSeconds(99));
        _gate.Apply(Awake("a"));
        await waiting[1].WithinLimit();

        _time.Advance(TimeSpan.FromSeconds(59));
        Assert.False(waiting[2].IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(AdmissionOutcome.TimedOut, (await waiting[2].WithinLimit()).Outcome);
    }

    [Fact]
    public async Task WakeAsync_ReplicaCameMeanwhile_TakesItsSlot()
    {
        Assert.Equal(AdmissionOutcome.Asleep, (await _gate.EnterAsync(default)).Outcome);
        _gate.Apply(Awake("a"));

        Assert.Equal("a", (await WakeAsync()).Replica!.Address.Id);
        Assert.Empty(_signals);
    }

    [Fact]
    public async Task EnterAgainAsync_LastReplicaWentAway_IsAsleep()
    {
        _gate.Apply(Awake("a"));
        var replica = (await _gate.EnterAsync(default)).Replica!;
        _gate.Apply(Sleeping());
        _gate.ReleaseUnreachable(replica);

        Assert.Equal(AdmissionOutcome.Asleep, (await _gate.EnterAgainAsync([replica], default)).Outcome);
    }

    [Fact]
    public async Task Apply_ScaledToZeroAndNotWakeableAnyMore_NewRequestsAreRefusedAndOldOnesWait()
    {
        var waiting = WakeAsync();

        _gate.Apply(Sleeping() with { Wakeable = false });

        Assert.Equal(AdmissionOutcome.NoReplica, (await _gate.EnterAsync(default)).Outcome);
        Assert.Equal(AdmissionOutcome.NoReplica, (await WakeAsync()).Outcome);
        Assert.False(waiting.IsCompleted);
        _gate.Apply(Awake("a"));
        Assert.Equal(AdmissionOutcome.Granted, (await waiting.WithinLimit()).Outcome);
    }

    [Fact]
    public async Task Remove_RequestsWaitForTheFirstReplica_TheyAreTold()
    {
        var waiting = WakeAsync(10);

        _gate.Remove();

        Assert.Equal(AdmissionOutcome.ApiRemoved, (await waiting.WithinLimit()).Outcome);
        Assert.Equal(AdmissionOutcome.ApiRemoved, (await WakeAsync()).Outcome);
        Assert.Equal(default, _gate.Traffic);
    }

    private static RealtimeRoute Sleeping() => Routes.Api("api", 2, 3) with { Wakeable = true };

    private static RealtimeRoute Awake(params string[] replicas) =>
        Sleeping() with { Replicas = [.. replicas.Select(id => Routes.Replica(id))] };

    private Task<AdmissionResult> WakeAsync(long bodySize = 0, CancellationToken cancellationToken = default) =>
        _gate.WakeAsync(bodySize, cancellationToken).AsTask();
}
