using Cortex.Core.Schedules;

namespace Cortex.Core.Tests.Schedules;

public sealed class CronExpressionTests
{
    [Theory]
    [InlineData("* * * * *", "2026-11-22 10:17", "2026-11-22 10:17")]
    [InlineData("*/15 * * * *", "2026-11-22 10:16", "2026-11-22 10:30")]
    [InlineData("5/20 * * * *", "2026-11-22 10:26", "2026-11-22 10:45")]
    [InlineData("30 3 * * 1-5", "2026-11-20 03:31", "2026-11-23 03:30")]
    [InlineData("0 0 1,15 * *", "2026-11-15 00:01", "2026-12-01 00:00")]
    [InlineData("0 12 31 * *", "2026-11-22 00:00", "2026-12-31 12:00")]
    [InlineData("0 0 29 2 *", "2026-11-22 00:00", "2028-02-29 00:00")]
    [InlineData("0 0 29 2 *", "2096-03-01 00:00", "2104-02-29 00:00")]
    [InlineData("0 0 13 * FRI", "2026-11-22 00:00", "2026-11-27 00:00")]
    [InlineData("0 0 13 * fri", "2026-12-12 00:00", "2026-12-13 00:00")]
    [InlineData("0 0 * * 7", "2026-11-23 00:00", "2026-11-29 00:00")]
    [InlineData("0 0 * * 5-7", "2026-11-22 00:00", "2026-11-22 00:00")]
    [InlineData("0 0 * jun-AUG/2 *", "2026-11-22 00:00", "2027-06-01 00:00")]
    [InlineData("  0\t0   * *  * ", "2026-11-22 00:01", "2026-11-23 00:00")]
    [InlineData("0 0 */2 * 1", "2026-11-24 00:01", "2026-11-25 00:00")]
    [InlineData("@hourly", "2026-11-22 10:17", "2026-11-22 11:00")]
    [InlineData("@daily", "2026-11-22 10:17", "2026-11-23 00:00")]
    [InlineData("@midnight", "2026-11-22 10:17", "2026-11-23 00:00")]
    [InlineData("@Weekly", "2026-11-22 10:17", "2026-11-29 00:00")]
    [InlineData("@monthly", "2026-11-22 10:17", "2026-12-01 00:00")]
    [InlineData("@yearly", "2026-11-22 10:17", "2027-01-01 00:00")]
    [InlineData(" @annually ", "2026-11-22 10:17", "2027-01-01 00:00")]
    public void NextWall_IsTheFirstTimeThatItNames(string text, string from, string expected) =>
        Assert.Equal(Wall(expected), Read(text).NextWall(Wall(from)));

    [Theory]
    [InlineData("", "0 fields instead of 5")]
    [InlineData("* * * *", "4 fields instead of 5")]
    [InlineData("0 * * * * *", "there are no seconds and no years")]
    [InlineData("60 * * * *", "\"60\" in the minute must be a number from 0 to 59")]
    [InlineData("* 24 * * *", "\"24\" in the hour must be a number from 0 to 23")]
    [InlineData("* * 0 * *", "\"0\" in the day of the month must be a number from 1 to 31")]
    [InlineData("* * * 13 *", "\"13\" in the month must be a number from 1 to 12")]
    [InlineData("* * * * 8", "\"8\" in the day of the week must be a number from 0 to 7")]
    [InlineData("* * * Juni *", "\"Juni\" in the month must be a number from 1 to 12; did you mean JUN?")]
    [InlineData("* * * * L", "or a name such as SAT")]
    [InlineData("* * ? * *", "\"?\" in the day of the month")]
    [InlineData("*/0 * * * *", "the step of \"*/0\" in the minute must be a number from 1 to 59")]
    [InlineData("*/61 * * * *", "the step of \"*/61\"")]
    [InlineData("*/ * * * *", "the step of \"*/\"")]
    [InlineData("1, * * * *", "a value of the minute is missing")]
    [InlineData("-1 * * * *", "a value of the minute is missing")]
    [InlineData("+1 * * * *", "\"+1\" in the minute")]
    [InlineData("* * * * FRI-MON", "write FRI-7,0-MON instead")]
    [InlineData("0 0 31 2,4,6 *", "no month that it names has such a day")]
    [InlineData("@dayly", "did you mean @daily?")]
    [InlineData("@reboot", "the nicknames are @hourly")]
    public void TryParse_Wrong_SaysWhat(string text, string error)
    {
        Assert.False(CronExpression.TryParse(text, out var expression, out var said));

        Assert.Null(expression);
        Assert.Contains(error, said, StringComparison.Ordinal);
    }

    [Fact]
    public void TryParse_VeryLong_IsRefused()
    {
        Assert.False(CronExpression.TryParse(string.Join(',', Enumerable.Repeat("1", 1000)) + " * * * *", out _, out var error));
        Assert.Contains("at most 1000", error, StringComparison.Ordinal);
    }

    // What a range must be written as, as the error says, is valid and means the same days.
    [Fact]
    public void TryParse_RangeAcrossTheEnd_AsTheErrorSays_IsValid() =>
        Assert.Equal(["FRI", "SAT", "SUN", "MON"], Days("* * * * FRI-7,0-MON"));

    private static IEnumerable<string> Days(string text)
    {
        var day = Wall("2026-11-24 00:00");
        for (var i = 0; i < 4; i++)
        {
            day = Read(text).NextWall(day)!.Value.Date;
            yield return day.DayOfWeek.ToString()[..3].ToUpperInvariant();
            day = day.AddDays(1);
        }
    }

    private static CronExpression Read(string text)
    {
        Assert.True(CronExpression.TryParse(text, out var expression, out var error), error);
        return expression;
    }

    private static DateTime Wall(string text) => DateTime.Parse(text, System.Globalization.CultureInfo.InvariantCulture);
}
