using Cortex.Operator.Scaling;

namespace Cortex.Operator.Tests.Scaling;

public sealed class RecommendationHistoryTests
{
    [Fact]
    public void Extremes_AnyRecommendations_EqualThoseOfAList()
    {
        var random = new Random(1);
        var keep = TimeSpan.FromSeconds(300);
        var history = new RecommendationHistory();
        var all = new List<(TimeSpan At, int Value)>();
        var now = TimeSpan.Zero;
        var level = 10;
        for (var i = 0; i < 5000; i++)
        {
            now += TimeSpan.FromSeconds(random.Next(0, 12));
            level = Math.Clamp(level + random.Next(-2, 3), 0, 30);
            history.Add(now, level, now - keep);
            all.Add((now, level));
            all.RemoveAll(record => record.At < now - keep);

            foreach (var period in (int[])[0, 10, 60, 299, 300])
            {
                var since = now - TimeSpan.FromSeconds(period);
                var within = all.Where(record => record.At >= since).Select(record => record.Value).ToList();
                Assert.Equal((within.Max(), within.Min()), (history.Highest(since), history.Lowest(since)));
            }
        }
    }

    [Fact]
    public void Extremes_NothingSince_AreNull()
    {
        var history = new RecommendationHistory();
        Assert.Null(history.Highest(TimeSpan.Zero));

        history.Add(TimeSpan.FromSeconds(5), 3, TimeSpan.Zero);

        Assert.Equal(3, history.Lowest(TimeSpan.FromSeconds(5)));
        Assert.Null(history.Lowest(TimeSpan.FromSeconds(6)));
    }
}
