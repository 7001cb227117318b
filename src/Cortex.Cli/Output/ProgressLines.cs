namespace Cortex.Cli.Output;

/// <summary>Lines that change: rewritten in place on a terminal, one line per change elsewhere.</summary>
internal sealed class ProgressLines(TextWriter writer, bool isTerminal)
{
    private string[] _shown = [];

    public void Show(string[] lines)
    {
        if (isTerminal)
        {
            var up = _shown.Length > 0 ? $"\e[{_shown.Length}A" : "";
            writer.Write(up + string.Concat(lines.Select(line => $"\r\e[K{line}\n")));
        }
        else
        {
            foreach (var line in lines.Where((line, index) => index >= _shown.Length || _shown[index] != line))
            {
                writer.WriteLine(line);
            }
        }

        _shown = lines;
    }
}
