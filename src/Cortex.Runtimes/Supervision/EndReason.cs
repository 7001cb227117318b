namespace Cortex.Runtimes.Supervision;

/// <summary>Says for people how a container ended. Pure.</summary>
internal static class EndReason
{
    // Of shells and inits.
    private const int NoProgram = 127;

    /// <param name="container">Its name.</param>
    /// <param name="exitCode">Its exit code.</param>
    /// <param name="oomKilled">Whether its memory limit ended it.</param>
    /// <param name="memoryLimit">The limit in bytes; 0 when unknown or none but what the machine can spare.</param>
    /// <param name="program">What it was told to run; null when that is the image's affair.</param>
    public static string Of(string container, int exitCode, bool oomKilled, long memoryLimit, string? program = null) => (exitCode, oomKilled) switch
    {
        (_, true) => memoryLimit > 0
            ? $"container {container} used more memory than its limit of {memoryLimit / 1048576.0:0.#} Mi and was killed; raise compute.mem_limit, or compute.mem where it has none"
            : $"container {container} used more memory than the machine can spare and was killed",
        (> 128 and < 160, _) => $"container {container} was ended by signal {exitCode - 128} (exit code {exitCode})",
        (NoProgram, _) => $"container {container} ended with exit code {exitCode}: its program, or one that it starts, was not found{(program is null ? "" : $" ({program})")}",
        _ => $"container {container} ended with exit code {exitCode}",
    };
}
