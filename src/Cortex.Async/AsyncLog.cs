using Microsoft.Extensions.Logging;

namespace Cortex.Async;

/// <summary>The service's log messages about its queues.</summary>
internal static partial class AsyncLog
{
    [LoggerMessage(6108, LogLevel.Warning, "The queue {Queue} could not be set up ({Reason}); its API answers 503 until it can, tried again shortly")]
    public static partial void ConfigureTrouble(this ILogger logger, string queue, string reason);

    [LoggerMessage(6110, LogLevel.Warning, "Requests could not be counted ({Reason}); tried again shortly")]
    public static partial void CountTrouble(this ILogger logger, string reason);
}
