using Microsoft.Extensions.Logging;

namespace Cortex.Gateway;

/// <summary>The gateway's log messages; ids 2000-2999.</summary>
internal static partial class Log
{
    [LoggerMessage(2001, LogLevel.Information, "The gateway listens on {EndPoint}")]
    public static partial void Listening(this ILogger logger, string endPoint);

    [LoggerMessage(2002, LogLevel.Warning, "API {Api}: replica {Replica} could not be reached ({Reason}); it is passed over for a moment and the request goes to another one")]
    public static partial void ReplicaUnreachable(this ILogger logger, string api, string replica, string reason);

    [LoggerMessage(2003, LogLevel.Warning, "API {Api}: replica {Replica} got a request and gave no proper answer ({Reason}); see its logs")]
    public static partial void BadAnswer(this ILogger logger, string api, string replica, string reason);

    [LoggerMessage(2004, LogLevel.Warning, "API {Api}: an answer of replica {Replica} broke off ({Reason}); its client's connection was aborted; see the replica's logs")]
    public static partial void AnswerBrokenOff(this ILogger logger, string api, string replica, string reason);

    [LoggerMessage(2005, LogLevel.Error, "A connection could not be handed on; please report this with the server's version")]
    public static partial void SortFailed(this ILogger logger, Exception exception);

    [LoggerMessage(2008, LogLevel.Warning, "A connection of {Client} was closed: {Reason}; {Others} others were since the last such line, which is written once a minute at most. See max_connections, max_connections_per_address and access.trusted_proxies in the cluster configuration")]
    public static partial void ConnectionRefused(this ILogger logger, string client, string reason, int others);

    [LoggerMessage(2050, LogLevel.Debug, "Shadow {Api}: a copy of a request got no proper answer ({Reason})")]
    public static partial void ShadowFailed(this ILogger logger, string api, string reason);

    [LoggerMessage(2007, LogLevel.Error, "A client that pauses for too long could not be interrupted; please report this with the server's version")]
    public static partial void InterruptFailed(this ILogger logger, Exception exception);

    [LoggerMessage(2006, LogLevel.Error, "API {Api}: a request failed within the server; please report this with the server's version")]
    public static partial void HandlerFailed(this ILogger logger, string api, Exception exception);
}
