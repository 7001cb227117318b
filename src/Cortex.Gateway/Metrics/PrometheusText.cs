using System.Globalization;

namespace Cortex.Gateway.Metrics;

/// <summary>Writes lines of the Prometheus text format.</summary>
internal static class PrometheusText
{
    /// <summary>What the samples that follow mean.</summary>
    public static void Family(TextWriter writer, string name, string type, string help) =>
        writer.Write($"# HELP {name} {help}\n# TYPE {name} {type}\n");

    public static void Sample(TextWriter writer, string name, string labels, double value) =>
        writer.Write($"{name}{{{labels}}} {Number(value)}\n");

    public static string Number(double value) => value.ToString(CultureInfo.InvariantCulture);

    /// <summary>A label's value between its quotation marks.</summary>
    public static string Escape(string value) =>
        value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
}
