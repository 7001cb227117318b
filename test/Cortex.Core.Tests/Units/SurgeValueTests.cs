using Cortex.Core.Specs;
using Cortex.Core.Units;

namespace Cortex.Core.Tests.Units;

public sealed class SurgeValueTests
{
    [Theory]
    [InlineData("25%", "25%", 4, 1, 1)]
    [InlineData("25%", "25%", 10, 3, 2)]
    [InlineData("25%", "25%", 1, 1, 0)]
    [InlineData("25%", "25%", 0, 0, 1)]
    [InlineData("0", "25%", 1, 0, 1)]
    [InlineData("0%", "1%", 50, 0, 1)]
    [InlineData("2", "0", 10, 2, 0)]
    [InlineData("100%", "100%", 3, 3, 3)]
    [InlineData("00", "0", 5, 0, 1)]
    [InlineData("100%", "0", int.MaxValue, int.MaxValue, 0)]
    public void Resolve_Strategy_RoundsSurgeUpAndUnavailableDown(string surge, string unavailable, int replicas, int expectedSurge, int expectedUnavailable) =>
        Assert.Equal((expectedSurge, expectedUnavailable), SurgeValue.Resolve(new UpdateStrategySpec(surge, unavailable), replicas));

    [Theory]
    [InlineData("+5", 5, false)]
    [InlineData("+5%", 5, true)]
    [InlineData("100%", 100, true)]
    [InlineData("007", 7, false)]
    public void TryParse_Value_IsRead(string text, int amount, bool percent)
    {
        Assert.True(SurgeValue.TryParse(text, out var value));
        Assert.Equal(new SurgeValue(amount, percent), value);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("%")]
    [InlineData("101%")]
    [InlineData("-1")]
    [InlineData("1.5")]
    [InlineData("25 %")]
    [InlineData("2147483648")]
    public void TryParse_SomethingElse_IsRefused(string? text) => Assert.False(SurgeValue.TryParse(text, out _));
}
