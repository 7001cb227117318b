using Cortex.Cli.Output;
using Cortex.Cli.Tests.Support;

namespace Cortex.Cli.Tests.Output;

public sealed class FormatTests
{
    [Theory]
    [InlineData(-5, "0s")]
    [InlineData(0, "0s")]
    [InlineData(59, "59s")]
    [InlineData(60, "1m0s")]
    [InlineData(3599, "59m59s")]
    [InlineData(3600, "1h0m")]
    [InlineData(172799, "47h59m")]
    [InlineData(172800, "2d0h")]
    [InlineData(183600, "2d3h")]
    public void Elapsed_Seconds_ShowsTwoUnits(int seconds, string expected) =>
        Assert.Equal(expected, Elapsed.Format(TimeSpan.FromSeconds(seconds)));

    [Fact]
    public void Table_Rows_AreAlignedSortedAndTrimmed()
    {
        var table = new Table("env", "name", "note");
        table.Add("prod", "b", "");
        table.Add("dev", "long-name", "x");

        Assert.Equal("env    name        note\ndev    long-name   x\nprod   b\n", table.Render(default));
    }

    [Fact]
    public void Table_Unsorted_KeepsOrderAndWidth()
    {
        var table = new Table("a", "b") { Sorted = false, FirstColumnWidth = 5 };
        table.Add("2", "x");
        table.Add("1", "y");

        Assert.Equal("a       b\n2       x\n1       y\n", table.Render(default));
    }

    [Fact]
    public void Table_OnATerminal_HasABoldHeaderWithoutShiftingColumns()
    {
        var table = new Table("a", "b");
        table.Add("xx", "y");

        Assert.Equal("\e[1ma\e[0m    \e[1mb\e[0m\nxx   y\n", table.Render(new Style(true)));
    }

    [Fact]
    public void KeyValues_Values_StandInOneColumn()
    {
        var pairs = new KeyValues();
        pairs.Add("job id", "1");
        pairs.Add("status", "running");
        pairs.Add("x", "y");

        Assert.Equal("job id: 1\nstatus: running\nx:      y\n", pairs.Render(key => key));
    }

    [Theory]
    [InlineData(true, null, null, true)]
    [InlineData(false, null, null, false)]
    [InlineData(true, "1", null, false)]
    [InlineData(true, "", null, true)]
    [InlineData(true, null, "dumb", false)]
    public void Style_TerminalAndVariables_Decide(bool isTerminal, string? noColor, string? term, bool enabled) =>
        Assert.Equal(enabled, Style.For(isTerminal, name => name == "NO_COLOR" ? noColor : term).Enabled);

    [Fact]
    public void ProgressLines_NoTerminal_WritesALinePerChange()
    {
        var writer = new StringWriter { NewLine = "\n" };
        var lines = new ProgressLines(writer, isTerminal: false);

        lines.Show(["a: 0/1", "b: 0/1"]);
        lines.Show(["a: 0/1", "b: 1/1"]);
        lines.Show(["a: 0/1", "b: 1/1"]);

        Assert.Equal("a: 0/1\nb: 0/1\nb: 1/1\n", writer.ToString());
    }

    [Fact]
    public void ProgressLines_Terminal_RewritesInPlace()
    {
        var writer = new StringWriter { NewLine = "\n" };
        var lines = new ProgressLines(writer, isTerminal: true);

        lines.Show(["a: 0/1"]);
        lines.Show(["a: 1/1"]);

        Assert.Equal("\r\e[Ka: 0/1\n\e[1A\r\e[Ka: 1/1\n", writer.ToString());
    }

    [Fact]
    public void Watch_Header_PutsTheTimeOnTheRight() =>
        Assert.Equal("$ cortex get     3:04:05pm UTC", Watch.Header("$ cortex get", "3:04:05pm UTC", 30));

    [Fact]
    public void Elapsed_Since_CountsFromTheClock() =>
        Assert.Equal("1m2s", Elapsed.Since(Apis.Now - 62, new JumpingTime()));
}
