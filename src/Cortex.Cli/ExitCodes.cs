namespace Cortex.Cli;

/// <summary>What the process answers to the script that ran it.</summary>
internal static class ExitCodes
{
    /// <summary>Done, or help was shown.</summary>
    public const int Success = 0;

    /// <summary>It could not be done, was refused at a prompt, or a part of it failed.</summary>
    public const int Failure = 1;

    /// <summary>The command line itself is wrong.</summary>
    public const int Usage = 2;

    /// <summary>The request of an Async API is not done yet.</summary>
    public const int Unfinished = 3;

    /// <summary>Ctrl-C or a request to terminate.</summary>
    public const int Interrupted = 130;
}
