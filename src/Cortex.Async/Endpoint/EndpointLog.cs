using Microsoft.Extensions.Logging;

namespace Cortex.Async.Endpoint;

/// <summary>The endpoints' log messages; ids 6300-6399.</summary>
internal static partial class EndpointLog
{
    [LoggerMessage(6301, LogLevel.Warning, "The payload {Blob} belongs to no request and could not be deleted ({Reason}); the store removes it when it is a day old")]
    public static partial void BlobNotDeleted(this ILogger logger, string blob, string reason);

    [LoggerMessage(6302, LogLevel.Error, "API {Api}: the result {Blob} of a completed request is missing from the blob store; was it deleted by hand?")]
    public static partial void ResultMissing(this ILogger logger, string api, string blob);

    [LoggerMessage(6303, LogLevel.Warning, "API {Api}: a request was answered 503, as its queue takes none at the moment ({Reason}); this is usual only just after a deploy or a start")]
    public static partial void QueueNotReady(this ILogger logger, string api, string reason);

    [LoggerMessage(6304, LogLevel.Error, "API {Api}: requests are answered with an error, as what is stored can't be read or written: {Reason}")]
    public static partial void StorageTrouble(this ILogger logger, string api, string reason);
}
