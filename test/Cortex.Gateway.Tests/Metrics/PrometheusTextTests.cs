using Cortex.Gateway.Metrics;

namespace Cortex.Gateway.Tests.Metrics;

public sealed class PrometheusTextTests
{
    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("with \"quotes\"", """with \"quotes\" """)]
    [InlineData("""C:\models""", """C:\\models """)]
    [InlineData("two\nlines", """two\nlines """)]
    [InlineData("""\n""", """\\n """)]
    [InlineData("é, {x} and ' stay", "é, {x} and ' stay")]
    public void Labels_AnyValue_IsEscaped(string value, string expected) => Assert.Equal($"api_name=\"{expected.TrimEnd()}\"", PrometheusText.Labels(("api_name", value)));

    [Fact]
    public void Labels_Several_AreListed() => Assert.Equal("a=\"1\",b=\"\\\"\"", PrometheusText.Labels(("a", "1"), ("b", "\"")));

    [Fact]
    public void Sample_WithAndWithoutLabels_IsOneLine()
    {
        var writer = new StringWriter();
        PrometheusText.Family(writer, "x", "gauge", "Some figure.");
        PrometheusText.Sample(writer, "x", PrometheusText.Labels(("a", "1")), 0.5);
        PrometheusText.Sample(writer, "x", "", 1234567);

        Assert.Equal("# HELP x Some figure.\n# TYPE x gauge\nx{a=\"1\"} 0.5\nx 1234567\n", writer.ToString());
    }

    [Fact]
    public void Histogram_Counts_AreAddedUp()
    {
        var writer = new StringWriter();
        PrometheusText.Histogram(writer, "x", PrometheusText.Labels(("a", "1")), [0.1, 2], [3, 0, 4], 9.5);

        Assert.Equal(
            """
            x_bucket{a="1",le="0.1"} 3
            x_bucket{a="1",le="2"} 3
            x_bucket{a="1",le="+Inf"} 7
            x_sum{a="1"} 9.5
            x_count{a="1"} 7

            """,
            writer.ToString());
    }

    [Fact]
    public void Histogram_WithoutLabels_HasTheBoundAlone()
    {
        var writer = new StringWriter();
        PrometheusText.Histogram(writer, "x", "", [1], [1, 1], 3);

        Assert.Equal("x_bucket{le=\"1\"} 1\nx_bucket{le=\"+Inf\"} 2\nx_sum 3\nx_count 2\n", writer.ToString());
    }
}
