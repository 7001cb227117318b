using Cortex.Client;
using Cortex.Core.Errors;

namespace Cortex.Cli.Commands;

/// <summary>The end of what an API's containers have written, to be shown below an error.</summary>
internal static class LastLogLines
{
    private const int Count = 10;

    /// <summary>How long the error waits for it.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Lines with a heading; only why they can't be had when they can't; nothing when there are none.</summary>
    public static async Task<string> ReadAsync(CliHost host, CortexClient client, string apiName, CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(Patience, host.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        var lines = new List<string>();
        try
        {
            await foreach (var line in client.LogsAsync(apiName, new LogOptions { Tail = Count }, either.Token))
            {
                lines.Add(line);
            }
        }
        catch (CortexException exception)
        {
            return $"  its log can't be read: {exception.Message}\n";
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // What has come by then is better than nothing.
        }

        lines.RemoveAll(line => line.Length == 0);
        return lines.Count == 0 ? "" : $"the last lines of its log:\n{string.Concat(lines.TakeLast(Count).Select(line => $"  {line}\n"))}";
    }
}
