using Microsoft.Extensions.Logging;

namespace Cortex.Operator.Splitting;

/// <summary>The log messages of canaries; ids 3200-3299.</summary>
internal static partial class Log
{
    [LoggerMessage(3200, LogLevel.Information, "Splitter {Splitter}: {Target} gets {Percent} percent of the requests now, step {Step} of {Steps}; the step before brought it {Requests} requests, of which {Errors} failed")]
    public static partial void CanaryMoved(this ILogger logger, string splitter, string target, int percent, int step, int steps, long requests, long errors);

    [LoggerMessage(3201, LogLevel.Information, "Splitter {Splitter}: {Target} is promoted and keeps {Percent} percent of the requests; the last step brought it {Requests} requests, of which {Errors} failed")]
    public static partial void CanaryPromoted(this ILogger logger, string splitter, string target, int percent, long requests, long errors);

    [LoggerMessage(3202, LogLevel.Warning, "Splitter {Splitter}: went back from step {Step}, {Target} gets what the configuration says again: {Reason}")]
    public static partial void CanaryRolledBack(this ILogger logger, string splitter, string target, int step, string reason);

    [LoggerMessage(3204, LogLevel.Information, "Splitter {Splitter}: {Target} is ready and gets {Percent} percent of the requests now, step 1 of {Steps}")]
    public static partial void CanaryBegan(this ILogger logger, string splitter, string target, int percent, int steps);

    [LoggerMessage(3203, LogLevel.Error, "Splitter {Splitter}: its canary could not be moved; it is tried again in a second")]
    public static partial void CanaryFailed(this ILogger logger, Exception exception, string splitter);
}
