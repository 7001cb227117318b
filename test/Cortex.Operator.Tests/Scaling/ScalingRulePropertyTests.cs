using Cortex.Core.Specs;
using Cortex.Operator.Scaling;

namespace Cortex.Operator.Tests.Scaling;

/// <summary>What holds for any settings and any load; the seeds make every run the same.</summary>
public sealed class ScalingRulePropertyTests
{
    private const int Runs = 20_000;

    [Fact]
    public void Decide_AnySequence_EqualsTheWrittenRuleOfCortex()
    {
        var random = new Random(1);
        for (var run = 0; run < 300; run++)
        {
            var settings = RandomSettings.Next(random);
            var start = TimeSpan.FromSeconds(random.Next(0, 100));
            var ours = new RecommendationHistory();
            var theirs = new CortexRule(start.TotalSeconds, settings);
            var current = random.Next(settings.MinReplicas, settings.MaxReplicas + 1);
            var now = start;
            for (var tick = 0; tick < 200; tick++)
            {
                var average = random.NextDouble() * settings.MaxReplicas * 1.5 * settings.TargetInFlight * (random.Next(4) == 0 ? 0 : 1);
                var decision = ScalingRule.Decide(new ScalingInput(now, start, current, average), settings, ours);
                ours.Add(now, decision.Recommended, now - Longest(settings));
                var expected = theirs.Decide(now.TotalSeconds, current, average);

                Assert.True(expected == decision.Requested, $"run {run}, tick {tick}: {settings}, {average} in flight on {current}: {decision}, but Cortex says {expected}");
                current = decision.Requested;
                now += TimeSpan.FromSeconds(random.Next(1, 12));
            }
        }
    }

    [Fact]
    public void Decide_CountWithinTheBounds_StaysWithinThem() => ForAny(2, (random, settings, current, history) =>
    {
        var decision = Decide(settings, current, Load(random, settings), history);

        Assert.InRange(decision.Recommended, settings.MinReplicas, settings.MaxReplicas);
        Assert.InRange(decision.Requested, settings.MinReplicas, settings.MaxReplicas);
    });

    [Fact]
    public void Decide_MoreLoad_NeverGivesFewerReplicas() => ForAny(3, (random, settings, current, history) =>
    {
        var load = Load(random, settings);
        var less = Decide(settings, current, load * random.NextDouble(), history);
        var more = Decide(settings, current, load, history);

        Assert.True(less.Recommended <= more.Recommended, $"{less}, {more}");
        Assert.True(less.Requested <= more.Requested, $"{less}, {more}");
    });

    [Fact]
    public void Decide_BeyondToleranceAndByOneOrMore_MovesByAtLeastOne() => ForAny(4, (random, settings, current, _) =>
    {
        settings = settings with { UpscaleStabilizationPeriod = TimeSpan.Zero, DownscaleStabilizationPeriod = TimeSpan.Zero };
        var raw = Load(random, settings) / settings.TargetInFlight;
        var decision = Decide(settings, current, raw * settings.TargetInFlight, new RecommendationHistory());

        if (raw > current * (1 + settings.UpscaleTolerance) * 1.000001 && current < settings.MaxReplicas)
        {
            Assert.True(decision.Requested > current, $"{settings}: {decision}");
        }

        if (raw < current * (1 - settings.DownscaleTolerance) * 0.999999 && raw <= current - 1 && current > settings.MinReplicas)
        {
            Assert.True(decision.Requested < current, $"{settings}: {decision}");
        }
    });

    [Fact]
    public void Decide_OneStep_IsNoLongerThanTheFactors() => ForAny(5, (random, settings, current, history) =>
    {
        var decision = Decide(settings, current, Load(random, settings), history);

        Assert.True(decision.Requested <= Math.Max(settings.MinReplicas, Math.Max(current + 1, Math.Ceiling(current * settings.MaxUpscaleFactor))), $"{settings}: {decision}");
        Assert.True(decision.Requested >= Math.Min(settings.MaxReplicas, Math.Min(current - 1, Math.Ceiling(current * settings.MaxDownscaleFactor))), $"{settings}: {decision}");
    });

    [Fact]
    public void Decide_WithinTheTolerances_ChangesNothing() => ForAny(6, (random, settings, current, history) =>
    {
        settings = settings with { TargetInFlight = 1 };   // multiplied and divided again, a load at the very count would not be at it
        var low = 1 - (settings.DownscaleTolerance * 0.999);
        var high = 1 + (settings.UpscaleTolerance * 0.999);
        var raw = current * (low + (random.NextDouble() * (high - low)));

        Assert.Equal(current, Decide(settings, current, raw, history).Recommended);
    });

    [Fact]
    public void Decide_SomethingUrgent_OnlyEverRaises() => ForAny(7, (random, settings, current, history) =>
    {
        var load = Load(random, settings);
        var calm = Decide(settings, current, load, history);
        var input = new ScalingInput(TimeSpan.FromHours(1), TimeSpan.Zero, current, load)
        {
            Urgent = Load(random, settings) / settings.TargetInFlight,
            UrgentReason = ScalingReason.QueueAge,
            InBurst = random.Next(2) == 0,
        };
        var urgent = ScalingRule.Decide(input, settings, history);

        Assert.True(urgent.Requested >= calm.Requested, $"{calm}, {urgent}");
        Assert.InRange(urgent.Requested, settings.MinReplicas, settings.MaxReplicas);
    });

    private static void ForAny(int seed, Action<Random, AutoscalingSpec, int, RecommendationHistory> check)
    {
        var random = new Random(seed);
        for (var run = 0; run < Runs; run++)
        {
            var settings = RandomSettings.Next(random);
            var history = new RecommendationHistory();
            for (var age = random.Next(0, 8); age > 0; age--)
            {
                history.Add(TimeSpan.FromHours(1) - TimeSpan.FromSeconds(age * 23), random.Next(settings.MinReplicas, settings.MaxReplicas + 1), TimeSpan.Zero);
            }

            check(random, settings, random.Next(settings.MinReplicas, settings.MaxReplicas + 1), history);
        }
    }

    private static double Load(Random random, AutoscalingSpec settings) => random.NextDouble() * 2 * settings.MaxReplicas * settings.TargetInFlight;

    private static ScalingDecision Decide(AutoscalingSpec settings, int current, double inFlight, RecommendationHistory history) =>
        ScalingRule.Decide(new ScalingInput(TimeSpan.FromHours(1), TimeSpan.Zero, current, inFlight), settings, history);

    private static TimeSpan Longest(AutoscalingSpec settings) => TimeSpan.FromTicks(Math.Max(settings.DownscaleStabilizationPeriod.Ticks, settings.UpscaleStabilizationPeriod.Ticks));
}
