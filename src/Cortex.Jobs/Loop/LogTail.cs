using Cortex.Background;
using Cortex.Runtimes;

namespace Cortex.Jobs.Loop;

/// <summary>The last lines that a worker wrote.</summary>
internal static class LogTail
{
    /// <summary>Reading what a worker wrote last must not keep anybody from seeing that it has ended.</summary>
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    private const int MaxLineLength = 2000;

    /// <summary>Reads the last lines, long ones cut, and those read so far when an error ends it.</summary>
    /// <param name="read">Begins to read.</param>
    /// <param name="count">Lines at most.</param>
    /// <param name="time">The clock.</param>
    /// <param name="onError">Told what went wrong.</param>
    /// <param name="cancellationToken">Ends it with an exception.</param>
    public static async Task<IReadOnlyList<string>> ReadAsync(
        Func<CancellationToken, IAsyncEnumerable<LogLine>> read, int count, TimeProvider time, Action<Exception> onError, CancellationToken cancellationToken)
    {
        using var bound = new TimeLimit(Timeout, time, cancellationToken);
        var last = new Queue<string>();
        try
        {
            await foreach (var line in read(bound.Token))
            {
                last.Enqueue(line.Text.Length <= MaxLineLength ? line.Text : line.Text[..MaxLineLength] + "...");
                if (last.Count > count)
                {
                    last.Dequeue();
                }
            }
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            onError(exception);
        }

        return [.. last];
    }
}
