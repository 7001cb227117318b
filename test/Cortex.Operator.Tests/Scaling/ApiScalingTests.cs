using Cortex.Core.Specs;
using Cortex.Operator.Scaling;

namespace Cortex.Operator.Tests.Scaling;

public sealed class ApiScalingTests
{
    private static readonly DateTimeOffset _epoch = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private readonly ApiScaling _api = new(deployedAt: 1, start: TimeSpan.Zero);
    private TimeSpan _now = TimeSpan.FromHours(1);

    [Fact]
    public void Decide_NoSampleInTheWindow_DecidesNothing()
    {
        Assert.Null(Decide(1, new AutoscalingSpec()));

        Pass(1, 5, new AutoscalingSpec());
        _now += TimeSpan.FromSeconds(100);

        Assert.Null(Decide(1, new AutoscalingSpec()));
        Assert.Empty(_api.Decisions);
    }

    [Fact]
    public void Decide_SameOutcomeAgain_IsOneEntryWithTheLatestFigures()
    {
        var settings = new AutoscalingSpec { MaxReplicas = 1 };
        Pass(2, 4, settings);
        Decide(1, settings);
        var first = Assert.Single(_api.Decisions);
        Pass(2, 8, settings);
        Decide(1, settings);

        var entry = Assert.Single(_api.Decisions);
        Assert.Equal((first.At, _epoch + _now, 6.0), (entry.Since, entry.At, entry.InFlight));
        Assert.Equal((ScalingReason.MaxReplicas, 1, 1), (entry.Reason, entry.Recommended, entry.Requested));
    }

    [Fact]
    public void Decide_ManyDifferentOutcomes_KeepsTheLastFifty()
    {
        var settings = new AutoscalingSpec { Window = TimeSpan.FromSeconds(10) };
        for (var i = 1; i <= 60; i++)
        {
            Pass(10, i, settings);
            Decide(i, settings);
        }

        Assert.Equal(Enumerable.Range(11, 50).Reverse(), _api.Decisions.Select(decision => decision.Current));
    }

    [Fact]
    public void Decide_WindowWasChanged_GoesOnWithTheSamples()
    {
        Pass(60, 2, new AutoscalingSpec());
        Pass(10, 8, new AutoscalingSpec());

        Assert.Equal(3, Decide(1, new AutoscalingSpec())!.Value.InFlight);
        Pass(1, 8, new AutoscalingSpec { Window = TimeSpan.FromSeconds(10) });
        Assert.Equal(8, Decide(1, new AutoscalingSpec())!.Value.InFlight);
    }

    [Fact]
    public void Decide_Burst_ScalesOnTheShortWindowWithoutWaiting()
    {
        var settings = new AutoscalingSpec { Burst = true };
        Pass(54, 1, settings);
        Decide(1, settings);
        Pass(6, 20, settings);

        var decision = Decide(1, settings)!.Value;

        Assert.Equal((2, 20.0, ScalingReason.MaxUpscaleFactor), (decision.Requested, decision.Raw, decision.Reason));
        Assert.Equal(3, Decide(2, settings)!.Value.Requested);
    }

    [Fact]
    public void Decide_BurstNotAskedFor_Waits()
    {
        Pass(54, 1, new AutoscalingSpec());
        Decide(1, new AutoscalingSpec());
        Pass(6, 20, new AutoscalingSpec());

        Assert.Equal((1, ScalingReason.UpscaleStabilization), (Decide(1, new AutoscalingSpec())!.Value.Requested, _api.Last!.Value.Reason));
    }

    [Theory]
    [InlineData(8, 4, false)]    // twice the target is not more than twice
    [InlineData(9, 4, true)]
    [InlineData(3, 0, true)]
    [InlineData(2, 0, false)]    // without a replica, one is the measure
    public void Decide_BurstThreshold_IsTwiceWhatTheReplicasAreMeantFor(long inFlight, int current, bool burst)
    {
        var settings = new AutoscalingSpec { Burst = true, MinReplicas = 0 };
        Pass(60, 0, settings);
        Decide(current, settings);
        Pass(6, inFlight, settings);

        Assert.Equal(burst, Decide(current, settings)!.Value.Requested > current);
    }

    [Fact]
    public void Decide_AfterABurst_FallsOnceItHasBeenCalmForAMinute()
    {
        var settings = new AutoscalingSpec { Burst = true, DownscaleStabilizationPeriod = TimeSpan.Zero, Window = TimeSpan.FromSeconds(10) };
        Pass(10, 20, settings);
        Decide(4, settings);
        Pass(10, 0, settings);
        for (var second = 10; second < 60; second++)
        {
            Assert.Equal(4, Decide(4, settings)!.Value.Requested);
            Pass(1, 0, settings);
        }

        Assert.Equal(ScalingReason.Burst, _api.Last!.Value.Reason);
        Assert.Equal(3, Decide(4, settings)!.Value.Requested);
    }

    [Fact]
    public void Awaken_FirstReplica_IsARecommendationOfOne()
    {
        var settings = new AutoscalingSpec { MinReplicas = 0 };
        _api.Awaken(_now, _epoch + _now, settings);
        Pass(60, 30, settings);

        // For the upscale period nothing exceeds what was recommended then.
        Assert.Equal((1, ScalingReason.UpscaleStabilization), (Decide(1, settings)!.Value.Requested, _api.Last!.Value.Reason));
        Pass(1, 30, settings);
        Assert.Equal(2, Decide(1, settings)!.Value.Requested);
        Assert.Equal(ScalingReason.Awakened, _api.Decisions[^1].Reason);
    }

    private void Pass(int seconds, long inFlight, AutoscalingSpec settings)
    {
        for (var second = 0; second < seconds; second++)
        {
            _now += TimeSpan.FromSeconds(1);
            _api.Sample(_now, inFlight, settings);
        }
    }

    private ScalingDecision? Decide(int current, AutoscalingSpec settings) => _api.Decide(_now, _epoch + _now, current, settings, maxConcurrency: 1);
}
