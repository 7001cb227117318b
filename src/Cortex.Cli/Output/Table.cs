using System.Text;

namespace Cortex.Cli.Output;

/// <summary>Columns three spaces apart under a bold header.</summary>
internal sealed class Table(params string[] headers)
{
    private const int Gap = 3;

    private readonly List<string[]> _rows = [];

    public bool IsEmpty => _rows.Count == 0;

    /// <summary>Rows are written in text order; false keeps the order in which they were added.</summary>
    public bool Sorted { get; init; } = true;

    /// <summary>The least width of the first column.</summary>
    public int FirstColumnWidth { get; init; }

    /// <summary>Whether the header is bold on a terminal.</summary>
    public bool BoldHeader { get; init; } = true;

    /// <summary>Emphasis for a cell, applied after its width was taken; null for none.</summary>
    public Func<string, string>? DecorateCell { get; init; }

    public void Add(params string[] cells)
    {
        if (cells.Length != headers.Length)
        {
            throw new ArgumentException($"{headers.Length} cells expected, not {cells.Length}", nameof(cells));
        }

        _rows.Add(cells);
    }

    /// <summary>The table, with a newline after each row.</summary>
    public string Render(Style style)
    {
        var widths = new int[headers.Length];
        for (var column = 0; column < widths.Length; column++)
        {
            widths[column] = Math.Max(column == 0 ? FirstColumnWidth : 0, _rows.Append(headers).Max(row => row[column].Length));
        }

        var rows = _rows.Select(cells => (Plain: Line(cells, widths, cell => cell), Shown: Line(cells, widths, DecorateCell ?? (cell => cell))));
        if (Sorted)
        {
            rows = rows.OrderBy(row => row.Plain, StringComparer.Ordinal);
        }

        var text = new StringBuilder();
        text.Append(Line(headers, widths, BoldHeader ? style.Bold : cell => cell)).Append('\n');
        foreach (var (_, shown) in rows)
        {
            text.Append(shown).Append('\n');
        }

        return text.ToString();
    }

    private static string Line(string[] cells, int[] widths, Func<string, string> decorate)
    {
        var line = new StringBuilder();
        var pending = 0;
        for (var column = 0; column < cells.Length; column++)
        {
            // Blanks are written only before something, so that no line ends with them.
            if (cells[column].Length > 0)
            {
                line.Append(' ', pending).Append(decorate(cells[column]));
                pending = 0;
            }

            pending += widths[column] - cells[column].Length + Gap;
        }

        return line.ToString();
    }
}
