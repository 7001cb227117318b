using Cortex.Core.Specs;
using Cortex.Operator.Scaling;

namespace Cortex.Operator.Tests.Scaling;

public sealed class ScalingRuleTests
{
    private static readonly TimeSpan _now = TimeSpan.FromHours(1);

    private static readonly AutoscalingSpec _atOnce = new()
    {
        MinReplicas = 0,
        DownscaleStabilizationPeriod = TimeSpan.Zero,
        UpscaleStabilizationPeriod = TimeSpan.Zero,
    };

    [Theory]
    [InlineData(4, 4.5, 1, 5)]
    [InlineData(4, 4.5, 2, 3)]
    [InlineData(4, 4.5, 0.9, 5)]
    [InlineData(10, 10, 1, 10)]
    [InlineData(1, 0, 1, 0)]
    [InlineData(2, 1.2, 1, 2)]
    public void Decide_Load_IsDividedByTheTargetAndRoundedUp(int current, double inFlight, double target, int requested)
    {
        var decision = Decide(current, inFlight, _atOnce with { TargetInFlight = target });

        Assert.Equal((requested, requested, inFlight / target, ScalingReason.Load), (decision.Requested, decision.Recommended, decision.Raw, decision.Reason));
    }

    [Theory]
    [InlineData(20, 18.5, 20, "Tolerance")]   // 19 would do, but 18.5 is more than 0.9 * 20
    [InlineData(20, 18, 18, "Load")]          // the bound itself is outside
    [InlineData(20, 19.5, 20, "Load")]        // rounded up it is what there is
    [InlineData(20, 20, 20, "Load")]
    [InlineData(20, 21.9, 20, "Tolerance")]
    [InlineData(20, 22, 22, "Load")]          // the bound itself is outside
    [InlineData(20, 22.1, 23, "Load")]
    public void Decide_NearTheCurrentCount_StaysWithinTheTolerances(int current, double inFlight, int recommended, string reason)
    {
        var decision = Decide(current, inFlight, _atOnce with { DownscaleTolerance = 0.1, UpscaleTolerance = 0.1 });

        Assert.Equal((recommended, reason), (decision.Recommended, decision.Reason.ToString()));
    }

    [Theory]
    [InlineData(10, 0, 0.75, 8, "MaxDownscaleFactor")]
    [InlineData(10, 0, 0, 0, "Load")]
    [InlineData(10, 0, 0.99, 9, "MaxDownscaleFactor")]   // one step down is always possible
    [InlineData(1, 0, 0.75, 0, "Load")]
    [InlineData(2, 0, 0.75, 1, "MaxDownscaleFactor")]
    public void Decide_FarBelow_FallsByTheFactor(int current, double inFlight, double factor, int recommended, string reason)
    {
        var decision = Decide(current, inFlight, _atOnce with { MaxDownscaleFactor = factor });

        Assert.Equal((recommended, reason), (decision.Recommended, decision.Reason.ToString()));
    }

    [Theory]
    [InlineData(10, 90, 1.5, 15, "MaxUpscaleFactor")]
    [InlineData(10, 90, 1.01, 11, "MaxUpscaleFactor")]   // one step up is always possible
    [InlineData(1, 90, 1.5, 2, "MaxUpscaleFactor")]
    [InlineData(0, 90, 9, 1, "MaxUpscaleFactor")]
    [InlineData(10, 90, 1e300, 90, "Load")]
    [InlineData(10, 1e300, 1e300, 100, "MaxReplicas")]
    public void Decide_FarAbove_RisesByTheFactor(int current, double inFlight, double factor, int recommended, string reason)
    {
        var decision = Decide(current, inFlight, _atOnce with { MaxUpscaleFactor = factor });

        Assert.Equal((recommended, reason), (decision.Recommended, decision.Reason.ToString()));
    }

    [Theory]
    [InlineData(4, 0, 3, "MinReplicas")]
    [InlineData(3, 0, 3, "MinReplicas")]
    [InlineData(1, 0, 3, "MinReplicas")]     // also by more than a factor allows
    [InlineData(6, 90, 7, "MaxReplicas")]
    [InlineData(7, 90, 7, "MaxReplicas")]
    [InlineData(20, 90, 7, "MaxReplicas")]
    public void Decide_OutsideTheBounds_IsBroughtInside(int current, double inFlight, int recommended, string reason)
    {
        var decision = Decide(current, inFlight, _atOnce with { MinReplicas = 3, MaxReplicas = 7, MaxDownscaleFactor = 0 });

        Assert.Equal((recommended, recommended, reason), (decision.Recommended, decision.Requested, decision.Reason.ToString()));
    }

    [Theory]
    [InlineData(299, 8, "DownscaleStabilization")]   // the 9 of then is more than there are: nothing changes
    [InlineData(300, 8, "DownscaleStabilization")]   // an age of exactly the period counts
    [InlineData(301, 7, "DownscaleStabilization")]   // the 7 of later holds it
    [InlineData(400, 7, "DownscaleStabilization")]
    public void Decide_Falling_WaitsForHigherRecommendationsToAge(int secondsAgo, int requested, string reason)
    {
        var history = History((_now - TimeSpan.FromSeconds(secondsAgo), 9), (_now - TimeSpan.FromSeconds(30), 7));

        var decision = Decide(8, 1, _atOnce with { DownscaleStabilizationPeriod = TimeSpan.FromSeconds(300) }, history);

        Assert.Equal((6, requested, reason), (decision.Recommended, decision.Requested, decision.Reason.ToString()));
    }

    [Theory]
    [InlineData(60, 8, "UpscaleStabilization")]
    [InlineData(61, 9, "UpscaleStabilization")]
    public void Decide_Rising_WaitsForLowerRecommendationsToAge(int secondsAgo, int requested, string reason)
    {
        var history = History((_now - TimeSpan.FromSeconds(secondsAgo), 3), (_now - TimeSpan.FromSeconds(30), 9));

        var decision = Decide(8, 30, _atOnce with { UpscaleStabilizationPeriod = TimeSpan.FromSeconds(60) }, history);

        Assert.Equal((12, requested, reason), (decision.Recommended, decision.Requested, decision.Reason.ToString()));
    }

    [Theory]
    [InlineData(59, 1, 8)]
    [InlineData(60, 1, 6)]
    [InlineData(29, 30, 8)]
    [InlineData(30, 30, 12)]
    public void Decide_JustBegun_WaitsForThePeriodOfTheDirection(int watchedSeconds, double inFlight, int requested)
    {
        var settings = _atOnce with { DownscaleStabilizationPeriod = TimeSpan.FromSeconds(60), UpscaleStabilizationPeriod = TimeSpan.FromSeconds(30) };

        var decision = ScalingRule.Decide(new ScalingInput(_now, _now - TimeSpan.FromSeconds(watchedSeconds), 8, inFlight), settings, new RecommendationHistory());

        Assert.Equal(requested, decision.Requested);
        Assert.Equal(requested == 8, decision.Reason == ScalingReason.JustBegun);
    }

    [Theory]
    [InlineData(20, 20, "Burst")]
    [InlineData(8, 9, "UpscaleStabilization")]    // less urgent than what the rule does by itself
    [InlineData(90, 40, "MaxUpscaleFactor")]      // also what is urgent goes by the factor
    public void Decide_Urgent_DoesNotWait(double urgent, int requested, string reason)
    {
        var settings = _atOnce with { UpscaleStabilizationPeriod = TimeSpan.FromSeconds(60), MaxUpscaleFactor = 5 };
        var input = new ScalingInput(_now, TimeSpan.Zero, 8, 10) { Urgent = urgent, UrgentReason = ScalingReason.Burst };

        var decision = ScalingRule.Decide(input, settings, History((_now - TimeSpan.FromSeconds(30), 9)));

        Assert.Equal((requested, reason), (decision.Requested, decision.Reason.ToString()));
    }

    [Fact]
    public void Decide_QueueAgeKeepsMoreThanTheLoadAsksFor_IsTheReason()
    {
        var decision = ScalingRule.Decide(new ScalingInput(_now, TimeSpan.Zero, 8, 1) { Urgent = 7, UrgentReason = ScalingReason.QueueAge }, _atOnce, new RecommendationHistory());

        Assert.Equal((7, 7, ScalingReason.QueueAge), (decision.Recommended, decision.Requested, decision.Reason));
    }

    [Fact]
    public void Decide_InABurst_DoesNotFall()
    {
        var decision = ScalingRule.Decide(new ScalingInput(_now, TimeSpan.Zero, 8, 1) { Urgent = 2, UrgentReason = ScalingReason.Burst, InBurst = true }, _atOnce, new RecommendationHistory());

        Assert.Equal((6, 8, ScalingReason.Burst), (decision.Recommended, decision.Requested, decision.Reason));
    }

    [Fact]
    public void Why_EveryReason_NamesItsSettingAndValue()
    {
        var settings = new AutoscalingSpec { MinReplicas = 2, MaxReplicas = 7, TargetQueueAge = TimeSpan.FromSeconds(30) };
        string Why(ScalingReason reason, int recommended) => ScalingText.Why(
            new ScalingDecision { Current = 4, InFlight = 1, Raw = recommended, Recommended = recommended, Requested = 4, Reason = reason, Settings = settings });

        Assert.Equal("min_replicas is 2", Why(ScalingReason.MinReplicas, 2));
        Assert.Equal("max_replicas is 7", Why(ScalingReason.MaxReplicas, 7));
        Assert.Equal("max_upscale_factor: one step up reaches at most 1.5 times the replicas", Why(ScalingReason.MaxUpscaleFactor, 6));
        Assert.Equal("max_downscale_factor: one step down keeps at least 0.75 of the replicas", Why(ScalingReason.MaxDownscaleFactor, 3));
        Assert.Equal("downscale_stabilization_period: more was recommended within the last 5m0s", Why(ScalingReason.DownscaleStabilization, 3));
        Assert.Equal("upscale_stabilization_period: less was recommended within the last 1m0s", Why(ScalingReason.UpscaleStabilization, 6));
        Assert.Equal("upscale_stabilization_period: the API has been watched for less than 1m0s", Why(ScalingReason.JustBegun, 6));
        Assert.Equal("target_queue_age: what waits would become older than 30s", Why(ScalingReason.QueueAge, 6));
        Assert.All(Enum.GetValues<ScalingReason>(), reason => Assert.NotEmpty(Why(reason, 5)));
    }

    private static ScalingDecision Decide(int current, double inFlight, AutoscalingSpec settings, RecommendationHistory? history = null) =>
        ScalingRule.Decide(new ScalingInput(_now, TimeSpan.Zero, current, inFlight), settings, history ?? new RecommendationHistory());

    private static RecommendationHistory History(params (TimeSpan At, int Value)[] records)
    {
        var history = new RecommendationHistory();
        foreach (var (at, value) in records)
        {
            history.Add(at, value, TimeSpan.Zero);
        }

        return history;
    }
}
