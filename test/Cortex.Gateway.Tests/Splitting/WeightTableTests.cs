using Cortex.Gateway.Splitting;

namespace Cortex.Gateway.Tests.Splitting;

public sealed class WeightTableTests
{
    [Fact]
    public void Build_AnyWeights_AreExactOverAnyHundredInARow()
    {
        var random = new Random(1);
        for (var round = 0; round < 200; round++)
        {
            var weights = Weights(random, random.Next(1, 8));

            var order = WeightTable.Build(weights);

            Assert.Equal(100, order.Length);
            for (var start = 0; start < 100; start++)
            {
                var counts = new int[weights.Length];
                for (var i = 0; i < 100; i++)
                {
                    counts[order[(start + i) % 100]]++;
                }

                Assert.Equal(weights, counts);
            }
        }
    }

    [Theory]
    [InlineData(50, 50, 1)]
    [InlineData(75, 25, 3)]
    [InlineData(99, 1, 99)]
    [InlineData(0, 100, 0)]
    public void Build_TwoWeights_SpreadsTheTurnsOfTheSecondEvenly(int first, int second, int mostInARow)
    {
        var order = WeightTable.Build([first, second]);

        var longest = 0;
        var run = 0;
        for (var i = 0; i < 200; i++)
        {
            run = order[i % 100] == 0 ? run + 1 : 0;
            longest = Math.Max(longest, run);
        }

        Assert.Equal(mostInARow, longest);
    }

    [Fact]
    public void Build_NoWeight_IsEmpty()
    {
        Assert.Empty(WeightTable.Build([0, 0]));
        Assert.Empty(WeightTable.Build([]));
    }

    /// <summary>Weights that sum to 100, zeros among them.</summary>
    internal static int[] Weights(Random random, int count)
    {
        var cuts = Enumerable.Range(0, count - 1).Select(_ => random.Next(101)).Append(0).Append(100).Order().ToArray();
        return [.. cuts.Zip(cuts.Skip(1), (from, to) => to - from)];
    }
}
