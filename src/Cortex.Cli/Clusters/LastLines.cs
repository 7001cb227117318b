namespace Cortex.Cli.Clusters;

/// <summary>Reads a text to its end and keeps the last lines.</summary>
internal static class LastLines
{
    public static async Task<IReadOnlyList<string>> CollectAsync(TextReader reader, int count, CancellationToken cancellationToken)
    {
        var lines = new Queue<string>();
        try
        {
            while (await reader.ReadLineAsync(cancellationToken) is { } line)
            {
                if (line.Length > 0)
                {
                    lines.Enqueue(line);
                }

                if (lines.Count > count)
                {
                    lines.Dequeue();
                }
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Whoever asked is no longer interested in more.
        }

        return [.. lines];
    }
}
