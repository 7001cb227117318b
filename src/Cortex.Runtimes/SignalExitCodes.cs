namespace Cortex.Runtimes;

/// <summary>Exit codes of containers that a signal ended: 128 and its number.</summary>
public static class SignalExitCodes
{
    /// <summary>By SIGKILL, which is also how the kernel ends what has too much memory.</summary>
    public const int Killed = 128 + 9;

    /// <summary>By SIGTERM.</summary>
    public const int Terminated = 128 + 15;
}
