using Cortex.Core.Specs;

namespace Cortex.Operator.Tests.Scaling;

/// <summary>The rule over whole days of load, without a second of waiting.</summary>
public sealed class SimulatedDayTests
{
    private static readonly AutoscalingSpec _default = new() { MinReplicas = 1, MaxReplicas = 60, InitReplicas = 1, TargetInFlight = 1 };

    private static readonly AutoscalingSpec _fast = _default with
    {
        Window = TimeSpan.FromSeconds(10),
        UpscaleStabilizationPeriod = TimeSpan.Zero,
        DownscaleStabilizationPeriod = TimeSpan.FromSeconds(60),
        MaxUpscaleFactor = 10,
    };

    public static TheoryData<string> Curves => [.. LoadCurve.Described.Select(curve => curve.Name)];

    [Theory]
    [MemberData(nameof(Curves))]
    public void Day_AnyCurve_NeverTurnsBackWithinTheStabilizationPeriods(string curve)
    {
        foreach (var settings in (AutoscalingSpec[])[_default, _fast, _default with { MinReplicas = 0, InitReplicas = 0 }, _fast with { Burst = true }])
        {
            var api = Run(Find(curve), new SimulatedApi(settings));

            foreach (var (before, after) in api.Changes.Zip(api.Changes.Skip(1)))
            {
                var turns = before.To > before.From != after.To > after.From && before.From > 0 && after.From > 0;
                var period = after.To > after.From ? settings.UpscaleStabilizationPeriod : settings.DownscaleStabilizationPeriod;
                Assert.False(turns && after.Second - before.Second < period.TotalSeconds, $"{curve}: {before}, then {after}");
            }

            Assert.NotEmpty(api.Changes);
            Assert.True(api.Waiting < 5, $"{curve}: {api.Waiting} wait at the end of the day");
        }
    }

    [Theory]
    [MemberData(nameof(Curves))]
    public void Day_FastSettings_FewRequestsWaitAndFewReplicasIdle(string curve)
    {
        var load = Find(curve);
        var api = Run(load, new SimulatedApi(_fast));

        var needed = Enumerable.Range(0, load.Seconds).Sum(second => Math.Max(1, load.At(second) * api.ServiceSeconds));
        TestContext.Current.SendDiagnosticMessage($"{curve}: {api.Late / api.Arrived:P2} late, {api.ReplicaSeconds / needed:0.00} times the replicas needed, {api.Changes.Count} changes, longest wait {api.LongestWait} s");
        Assert.True(api.Late < 0.02 * api.Arrived, $"{curve}: {api.Late} of {api.Arrived} requests were late");
        Assert.True(api.ReplicaSeconds < 2.5 * needed, $"{curve}: {api.ReplicaSeconds} replica seconds, {needed} would have done");
    }

    [Fact]
    public void Day_NobodyAtNight_HasNoReplicasThen()
    {
        var api = Run(LoadCurve.Office, new SimulatedApi(_default with { MinReplicas = 0, InitReplicas = 0 }));

        // Nobody before nine; the last request is before six in the evening, and down it goes step by step.
        Assert.Equal((9 * 3600, 0, 1), api.Changes[0]);
        Assert.Equal(0, api.Changes[^1].To);
        Assert.InRange(api.Changes[^1].Second, 18 * 3600, 19 * 3600);
        Assert.Single(api.Changes, change => change.From == 0);
    }

    [Fact]
    public void Day_Burst_ServesSpikesThatTheDefaultsMiss()
    {
        var without = Run(LoadCurve.Spikes, new SimulatedApi(_default));
        var with = Run(LoadCurve.Spikes, new SimulatedApi(_default with { Burst = true }));

        Assert.True(with.Late < without.Late / 2, $"{with.Late} of {with.Arrived} late with burst, {without.Late} without");
        Assert.True(with.LongestWait < without.LongestWait / 2, $"{with.LongestWait} s with burst, {without.LongestWait} s without");
    }

    [Theory]
    [InlineData(1, 20, 5)]
    [InlineData(4, 200, 5)]
    [InlineData(1, 5, 20)]
    public void Step_TargetQueueAge_KeepsTheOldestYounger(int maxConcurrency, double arriving, int startSeconds)
    {
        var settings = _default with { InitReplicas = 1, MaxReplicas = 1000, TargetInFlight = 10_000, TargetQueueAge = TimeSpan.FromSeconds(60) };
        var api = new SimulatedApi(settings) { IsAsync = true, ServiceSeconds = 2, MaxConcurrency = maxConcurrency, StartSeconds = startSeconds };

        for (var second = 0; second < 3600; second++)
        {
            api.Pass(second, second < 60 ? 0.2 : arriving);
        }

        // And it must not do so by having a replica for every request.
        Assert.InRange(api.LongestWait, 1, 59);
        Assert.InRange(api.Changes.Max(change => change.To), 1, 3 * arriving * 2 / maxConcurrency);
    }

    [Fact]
    public void Plateaus_AnySettings_EndWhereCortexEndsAndNoLater()
    {
        var random = new Random(5);
        foreach (var settings in (AutoscalingSpec[])[_default, _default with { MinReplicas = 3, TargetInFlight = 2.5 }, _fast, _default with { UpscaleTolerance = 0.3, DownscaleTolerance = 0.3 }, _default with { UpscaleTolerance = 0, DownscaleTolerance = 0 }])
        {
            int[] plateaus = [.. Enumerable.Range(0, 12).Select(_ => random.Next(0, 40))];
            const int Length = 2 * 3600;
            var (ours, theirs) = (new Counts(settings), new Counts(settings));
            var cortex = new CortexRule(0, settings);
            var api = new Operator.Scaling.ApiScaling(0, TimeSpan.Zero);
            for (var second = 0; second < plateaus.Length * Length; second++)
            {
                var inFlight = plateaus[second / Length];
                var now = TimeSpan.FromSeconds(second);
                api.Sample(now, inFlight, settings);
                cortex.Sample(second, inFlight);
                if (second % 2 == 0 && api.Decide(now, DateTimeOffset.UnixEpoch + now, ours.Current, settings, 1) is { } decision)
                {
                    ours.Set(second, decision.Requested);
                }

                if (second % 10 == 9)
                {
                    theirs.Set(second, cortex.Tick(second, theirs.Current));
                }

                if (second % Length == Length - 1)
                {
                    // Where a rise ends within the tolerances depends on the steps of the way; both stay where the tolerances let them.
                    var raw = inFlight / settings.TargetInFlight;
                    var tolerated = ours.Current * (1 - settings.DownscaleTolerance) < raw && raw < ours.Current * (1 + settings.UpscaleTolerance);
                    Assert.True(ours.Current == theirs.Current || tolerated, $"plateau of {inFlight}: {ours.Current}, in Cortex {theirs.Current}; {settings}");
                    Assert.True(ours.Since <= theirs.Since + 10, $"plateau of {inFlight}: reached at {ours.Since % Length} s, in Cortex at {theirs.Since % Length} s; {settings}");
                }
            }
        }
    }

    private static LoadCurve Find(string name) => LoadCurve.Described.FirstOrDefault(curve => curve.Name == name) ?? LoadCurve.Recorded(name);

    private static SimulatedApi Run(LoadCurve curve, SimulatedApi api)
    {
        for (var second = 0; second < curve.Seconds; second++)
        {
            api.Pass(second, curve.At(second));
        }

        return api;
    }

    private sealed class Counts(AutoscalingSpec settings)
    {
        public int Current { get; private set; } = settings.InitReplicas < settings.MinReplicas ? settings.MinReplicas : settings.InitReplicas;

        public int Since { get; private set; }

        public void Set(int second, int replicas)
        {
            Since = replicas == Current ? Since : second;
            Current = replicas;
        }
    }
}
