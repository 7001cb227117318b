using System.Runtime.ExceptionServices;

namespace Cortex.Background;

/// <summary>Ends the process visibly when a part of it can't go on.</summary>
public static class ProcessEnd
{
    /// <summary>Ends the process as an error that nobody handles does: its text is on standard error, the log is flushed, the exit code is that of a crash. Does not return.</summary>
    /// <param name="part">What can't go on, for people who read the log.</param>
    /// <param name="exception">Why.</param>
    public static void Crash(string part, Exception exception)
    {
        // On a thread of its own nothing on the stack can catch it.
        var crash = new Thread(() => ExceptionDispatchInfo.Throw(new InvalidOperationException($"{part} can't go on, and with it the process: {exception.Message}", exception)));
        crash.Start();
        crash.Join();
    }
}
