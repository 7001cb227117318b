using Microsoft.Extensions.Logging;

namespace Cortex.Async.Callbacks;

/// <summary>The callbacks' log messages; ids 6200-6299.</summary>
internal static partial class CallbackLog
{
    [LoggerMessage(6201, LogLevel.Warning, "API {Api}: the callback of request {Id} to {Target} failed for the {Attempt}. time ({Reason}); it is tried again in {Pause}")]
    public static partial void CallbackFailed(this ILogger logger, string api, string id, string target, int attempt, string reason, TimeSpan pause);

    [LoggerMessage(6202, LogLevel.Warning, "API {Api}: the callback of request {Id} to {Target} is given up ({Reason}); the request's status tells its attempts")]
    public static partial void CallbackGivenUp(this ILogger logger, string api, string id, string target, string reason);

    [LoggerMessage(6203, LogLevel.Warning, "Callbacks pause for {Pause}: the store of queues does not answer ({Reason})")]
    public static partial void StoreDoesNotAnswer(this ILogger logger, TimeSpan pause, string reason);

    [LoggerMessage(6204, LogLevel.Error, "A callback failed within the server and is tried again; please report this with the server's version")]
    public static partial void CallbackBroke(this ILogger logger, Exception exception);
}
