using System.Text;

namespace Cortex.Core.Specs;

/// <summary>Lines up rows of text in columns.</summary>
internal static class TextTable
{
    /// <summary>The rows, columns three spaces apart, each row ending with a newline.</summary>
    public static string Format(IReadOnlyList<IReadOnlyList<string>> rows)
    {
        var widths = Enumerable.Range(0, rows[0].Count).Select(column => rows.Max(row => row[column].Length)).ToList();
        var text = new StringBuilder();
        foreach (var row in rows)
        {
            var line = string.Join("   ", row.Select((cell, column) => cell.PadRight(widths[column])));
            text.Append(line.TrimEnd()).Append('\n');
        }

        return text.ToString();
    }
}
