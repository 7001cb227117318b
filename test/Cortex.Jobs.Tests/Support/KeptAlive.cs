namespace Cortex.Jobs.Tests.Support;

/// <summary>Runs a loop as the server's guard of loops does, but without its pauses.</summary>
internal static class KeptAlive
{
    /// <summary>Runs it until it returns; after one of the test's faults it begins anew.</summary>
    public static async Task RunAsync(Func<CancellationToken, Task> loop, CancellationToken stop)
    {
        while (true)
        {
            try
            {
                await loop(stop);
                return;
            }
            catch (IOException)
            {
                stop.ThrowIfCancellationRequested();
            }
        }
    }
}
