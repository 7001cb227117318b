using Cortex.Async.Endpoint;

namespace Cortex.Async.Tests.Endpoint;

public sealed class DurationTextTests
{
    [Theory]
    [InlineData("0", 0)]
    [InlineData("30", 30_000)]
    [InlineData("30s", 30_000)]
    [InlineData("1m30s", 90_000)]
    [InlineData("1.5h", 5_400_000)]
    [InlineData("250ms", 250)]
    [InlineData("1h1m1s1ms", 3_661_001)]
    [InlineData(".5s", 500)]
    [InlineData("2000us", 2)]
    [InlineData("2000µs", 2)]
    [InlineData("3000000ns", 3)]
    [InlineData("0s", 0)]
    [InlineData("87600h", 315_360_000_000)]
    public void TryParse_Duration_GivesMilliseconds(string text, long milliseconds)
    {
        Assert.True(DurationText.TryParse(text, out var value));
        Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), value);
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("-1s")]
    [InlineData("-1")]
    [InlineData("1.5")]
    [InlineData("1s30")]
    [InlineData("s")]
    [InlineData(".")]
    [InlineData(".s")]
    [InlineData("1..5s")]
    [InlineData("1d")]
    [InlineData("1 s")]
    [InlineData("1e3s")]
    [InlineData("87601h")]
    [InlineData("99999999999999999999s")]
    [InlineData("1,5s")]
    public void TryParse_NoDuration_IsFalse(string text)
    {
        Assert.False(DurationText.TryParse(text, out _));
    }
}
