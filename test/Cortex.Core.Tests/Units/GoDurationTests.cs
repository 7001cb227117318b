using Cortex.Core.Units;
using FsCheck;
using FsCheck.Fluent;

namespace Cortex.Core.Tests.Units;

public sealed class GoDurationTests
{
    [Theory]
    [InlineData("0", 0)]
    [InlineData("-0", 0)]
    [InlineData("0s", 0)]
    [InlineData("60s", 60_000)]
    [InlineData("1m30s", 90_000)]
    [InlineData("1.5m", 90_000)]
    [InlineData(".5s", 500)]
    [InlineData("1.s", 1000)]
    [InlineData("1h2m3s4ms", 3_723_004)]
    [InlineData("3000us", 3)]
    [InlineData("3000µs", 3)]
    [InlineData("3000μs", 3)]
    [InlineData("1000000ns", 1)]
    [InlineData("-1m", -60_000)]
    [InlineData("+1m", 60_000)]
    [InlineData("5s5s", 10_000)]
    public void TryParse_Duration_HasItsValue(string text, int milliseconds)
    {
        Assert.True(GoDuration.TryParse(text, out var value));
        Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), value);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("60")]
    [InlineData("1d")]
    [InlineData("s")]
    [InlineData(".s")]
    [InlineData("-")]
    [InlineData("1m 30s")]
    [InlineData("1m30")]
    [InlineData("1e3s")]
    [InlineData("1S")]
    [InlineData("9999999h")]
    [InlineData("99999999999999999999s")]
    public void TryParse_SomethingElse_IsRefused(string? text) => Assert.False(GoDuration.TryParse(text, out _));

    [Theory]
    [InlineData(0, "0s")]
    [InlineData(600_000_000, "1m0s")]
    [InlineData(36_005_000_000, "1h0m0.5s")]
    [InlineData(2_500_000, "250ms")]
    [InlineData(15_000_000, "1.5s")]
    [InlineData(15, "1.5µs")]
    [InlineData(1, "100ns")]
    [InlineData(-600_000_000, "-1m0s")]
    public void Format_Ticks_IsGoNotation(long ticks, string text) => Assert.Equal(text, GoDuration.Format(TimeSpan.FromTicks(ticks)));

    [Fact]
    public void Format_AnyDuration_IsReadBackTheSame() => Prop.ForAll<long>(number =>
    {
        var value = TimeSpan.FromTicks(number % (long.MaxValue / 100));
        Assert.Equal(value, GoDuration.Parse(GoDuration.Format(value)));
    }).QuickCheckThrowOnFailure();
}
