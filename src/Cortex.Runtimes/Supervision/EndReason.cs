namespace Cortex.Runtimes.Supervision;

/// <summary>Says for people how a container ended. Pure.</summary>
internal static class EndReason
{
    /// <param name="container">Its name.</param>
    /// <param name="exitCode">Its exit code.</param>
    /// <param name="oomKilled">Whether its memory limit ended it.</param>
    /// <param name="memoryLimit">The limit in bytes; 0 when unknown or none.</param>
    public static string Of(string container, int exitCode, bool oomKilled, long memoryLimit) => (exitCode, oomKilled) switch
    {
        (_, true) => memoryLimit > 0
            ? $"container {container} used more memory than its limit of {memoryLimit / 1048576.0:0.#} Mi and was killed; raise compute.mem"
            : $"container {container} used more memory than there is and was killed",
        (> 128 and < 160, _) => $"container {container} was ended by signal {exitCode - 128} (exit code {exitCode})",
        _ => $"container {container} ended with exit code {exitCode}",
    };
}
