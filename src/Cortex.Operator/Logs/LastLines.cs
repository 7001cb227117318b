using Cortex.Runtimes;

namespace Cortex.Operator.Logs;

/// <summary>The end of something that was written.</summary>
internal static class LastLines
{
    /// <summary>The last <paramref name="count"/> lines; all when it is null.</summary>
    public static async IAsyncEnumerable<LogLine> OfAsync(IAsyncEnumerable<LogLine> lines, int? count)
    {
        var last = new Queue<LogLine>();
        await foreach (var line in lines)
        {
            if (count is null)
            {
                yield return line;
                continue;
            }

            last.Enqueue(line);
            if (last.Count > count)
            {
                last.Dequeue();
            }
        }

        foreach (var line in last)
        {
            yield return line;
        }
    }
}
