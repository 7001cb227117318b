using System.Globalization;

namespace Cortex.Gateway.Metrics;

/// <summary>Writes the Prometheus text format; every part of the server writes its metrics by it.</summary>
public static class PrometheusText
{
    /// <summary>Begins a family: what the samples that follow mean.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="name">The family's name, once in the whole text.</param>
    /// <param name="type"><c>counter</c>, <c>gauge</c> or <c>histogram</c>.</param>
    /// <param name="help">One sentence for people.</param>
    public static void Family(TextWriter writer, string name, string type, string help)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.Write($"# HELP {name} {help}\n# TYPE {name} {type}\n");
    }

    /// <summary>Writes a sample.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="name">The family's name; with an ending in a histogram.</param>
    /// <param name="labels">From <see cref="Labels"/>; empty for none.</param>
    /// <param name="value">The figure.</param>
    public static void Sample(TextWriter writer, string name, string labels, double value)
    {
        ArgumentNullException.ThrowIfNull(writer);
        ArgumentNullException.ThrowIfNull(labels);
        writer.Write(labels.Length == 0 ? $"{name} {Number(value)}\n" : $"{name}{{{labels}}} {Number(value)}\n");
    }

    /// <summary>Writes all samples of one histogram.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="name">The family's name.</param>
    /// <param name="labels">From <see cref="Labels"/>; empty for none.</param>
    /// <param name="bounds">Upper bounds of the buckets, in the family's unit.</param>
    /// <param name="counts">How many are in each bucket and not in the one before; one more than there are bounds, as the last has none.</param>
    /// <param name="sum">All values together.</param>
    public static void Histogram(TextWriter writer, string name, string labels, IReadOnlyList<double> bounds, IReadOnlyList<long> counts, double sum)
    {
        ArgumentNullException.ThrowIfNull(labels);
        ArgumentNullException.ThrowIfNull(bounds);
        ArgumentNullException.ThrowIfNull(counts);
        var before = labels.Length == 0 ? "" : labels + ",";
        var count = 0L;
        for (var i = 0; i <= bounds.Count; i++)
        {
            count += counts[i];
            Sample(writer, name + "_bucket", $"{before}le=\"{(i < bounds.Count ? Number(bounds[i]) : "+Inf")}\"", count);
        }

        Sample(writer, name + "_sum", labels, sum);
        Sample(writer, name + "_count", labels, count);
    }

    /// <summary>Labels of a sample, whatever is in their values.</summary>
    public static string Labels(params ReadOnlySpan<(string Name, string Value)> labels)
    {
        var text = new StringWriter(CultureInfo.InvariantCulture);
        foreach (var (name, value) in labels)
        {
            text.Write($"{(text.GetStringBuilder().Length == 0 ? "" : ",")}{name}=\"{Escape(value)}\"");
        }

        return text.ToString();
    }

    private static string Number(double value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Escape(string value) =>
        value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
}
