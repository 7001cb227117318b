using Cortex.Operator.Scaling;

namespace Cortex.Operator.Tests.Scaling;

public sealed class ScalingWindowTests
{
    [Fact]
    public void Average_NoSample_IsNull() => Assert.Null(new ScalingWindow(TimeSpan.FromSeconds(10)).Average(TimeSpan.FromHours(1)));

    [Fact]
    public void Average_FewerSamplesThanTheWindowHolds_IsTheirAverage()
    {
        var window = new ScalingWindow(TimeSpan.FromSeconds(10));
        window.Add(TimeSpan.FromSeconds(100), 4);
        window.Add(TimeSpan.FromSeconds(103), 8);

        Assert.Equal(6, window.Average(TimeSpan.FromSeconds(105)));
    }

    [Theory]
    [InlineData(1, 10)]
    [InlineData(2, 60)]
    [InlineData(3, 7200)]      // longer slots
    [InlineData(4, 36_000)]
    public void Average_AnySamples_EqualsTheOneOfAList(int seed, int seconds)
    {
        var random = new Random(seed);
        var window = new ScalingWindow(TimeSpan.FromSeconds(seconds));
        var slot = Math.Max(1, (seconds + ScalingWindow.MaxSlots - 1) / ScalingWindow.MaxSlots);
        var samples = new List<(long Slot, long Value)>();
        var now = TimeSpan.FromSeconds(random.Next(0, 1000));
        for (var i = 0; i < 20_000; i++)
        {
            // Ticks that are early, late, and missing for longer than the window.
            now += TimeSpan.FromSeconds(random.Next(500) == 0 ? random.Next(0, seconds * 2) : random.NextDouble() * 2);
            var value = random.Next(0, 50);
            window.Add(now, value);
            samples.Add(((long)now.TotalSeconds / slot, value));
            samples.RemoveAll(sample => sample.Slot <= ((long)now.TotalSeconds / slot) - (seconds / slot));

            Assert.Equal(samples.Sum(sample => sample.Value), window.Sum(now));
            Assert.Equal((double)samples.Sum(sample => sample.Value) / samples.Count, window.Average(now));
        }
    }

    [Fact]
    public void WithLength_Longer_KeepsWhatItHasAndForgetsItLater()
    {
        var window = new ScalingWindow(TimeSpan.FromSeconds(10));
        for (var second = 0; second < 30; second++)
        {
            window.Add(TimeSpan.FromSeconds(second), second);
        }

        var longer = window.WithLength(TimeSpan.FromSeconds(20));

        Assert.Equal(Enumerable.Range(20, 10).Average(), longer.Average(TimeSpan.FromSeconds(29)));
        Assert.Equal(29, longer.Average(TimeSpan.FromSeconds(48)));
        Assert.Null(longer.Average(TimeSpan.FromSeconds(49)));
    }

    [Fact]
    public void WithLength_Shorter_KeepsTheNewest()
    {
        var window = new ScalingWindow(TimeSpan.FromSeconds(20));
        for (var second = 0; second < 30; second++)
        {
            window.Add(TimeSpan.FromSeconds(second), second);
        }

        Assert.Equal(Enumerable.Range(20, 10).Average(), window.WithLength(TimeSpan.FromSeconds(10)).Average(TimeSpan.FromSeconds(29)));
    }
}
