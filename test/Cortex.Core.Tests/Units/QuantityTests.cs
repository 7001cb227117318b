using Cortex.Core.Units;
using FsCheck;
using FsCheck.Fluent;

namespace Cortex.Core.Tests.Units;

public sealed class QuantityTests
{
    [Theory]
    [InlineData("0", 0, 0)]
    [InlineData("1", 1, 1000)]
    [InlineData("200m", 1, 200)]
    [InlineData("0.5", 1, 500)]
    [InlineData(".5", 1, 500)]
    [InlineData("1.", 1, 1000)]
    [InlineData("1.5", 2, 1500)]
    [InlineData("+2", 2, 2000)]
    [InlineData("-1.5", -1, -1500)]
    [InlineData("1k", 1000, 1_000_000)]
    [InlineData("1K", 1000, 1_000_000)]
    [InlineData("1Ki", 1024, 1_024_000)]
    [InlineData("1.5Gi", 1_610_612_736, 1_610_612_736_000)]
    [InlineData("2M", 2_000_000, 2_000_000_000)]
    [InlineData("1e3", 1000, 1_000_000)]
    [InlineData("1E3", 1000, 1_000_000)]
    [InlineData("1e+2", 100, 100_000)]
    [InlineData("15e-1", 2, 1500)]
    [InlineData("1E", 1_000_000_000_000_000_000, long.MaxValue)]
    [InlineData("8Ei", long.MaxValue, long.MaxValue)]
    [InlineData("1e999999999", long.MaxValue, long.MaxValue)]
    [InlineData("1e-999999999", 1, 1)]
    [InlineData("1u", 1, 1)]
    [InlineData("1n", 1, 1)]
    [InlineData("1001u", 1, 2)]
    public void TryParse_Quantity_HasItsExactValueRoundedUp(string text, long value, long millis)
    {
        Assert.True(Quantity.TryParse(text, out var quantity));
        Assert.Equal((value, millis), (quantity.Value, quantity.MilliValue));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("m")]
    [InlineData(".")]
    [InlineData("+")]
    [InlineData("1 Gi")]
    [InlineData("1gi")]
    [InlineData("1KI")]
    [InlineData("1ki")]
    [InlineData("1.2.3")]
    [InlineData("1e")]
    [InlineData("1e1.5")]
    [InlineData("--1")]
    [InlineData("0x10")]
    [InlineData("1Gi ")]
    [InlineData("٣")]
    public void TryParse_SomethingElse_IsRefused(string? text) => Assert.False(Quantity.TryParse(text, out _));

    [Fact]
    public void TryParse_OverlongNumber_IsRefused() => Assert.False(Quantity.TryParse(new string('1', 101), out _));

    [Fact]
    public void CompareTo_DifferentNotations_ComparesAmounts()
    {
        Assert.Equal(Quantity.Parse("1Gi"), Quantity.Parse("1024Mi"));
        Assert.True(Quantity.Parse("1G") < Quantity.Parse("1Gi"));
        Assert.True(Quantity.Parse("1000m") >= Quantity.Parse("1"));
    }

    [Theory]
    [InlineData(0, "0")]
    [InlineData(2000, "2")]
    [InlineData(7600, "7600m")]
    public void FormatMillis_Amount_IsShort(long millis, string text) => Assert.Equal(text, Quantity.FormatMillis(millis));

    [Theory]
    [InlineData(0, "0")]
    [InlineData(1000, "1000")]
    [InlineData(1536, "1536")]
    [InlineData(1_610_612_736, "1536Mi")]
    [InlineData(16_106_127_360, "15Gi")]
    public void FormatBytes_Amount_IsShort(long bytes, string text) => Assert.Equal(text, Quantity.FormatBytes(bytes));

    [Fact]
    public void Format_AnyAmount_IsReadBackTheSame() => Prop.ForAll<long>(amount =>
    {
        Assert.Equal(amount, Quantity.Parse(Quantity.FormatMillis(amount)).MilliValue);
        Assert.Equal(amount, Quantity.Parse(Quantity.FormatBytes(amount)).Value);
    }).QuickCheckThrowOnFailure();
}
