namespace Cortex.Runtimes;

/// <summary>How a command inside a container ended.</summary>
/// <param name="ExitCode">The command's exit code; -1 when it did not end in time.</param>
/// <param name="Output">The first 4 KiB of what it wrote.</param>
/// <param name="TimedOut">Whether the time was up first.</param>
public sealed record ExecResult(int ExitCode, string Output, bool TimedOut);
