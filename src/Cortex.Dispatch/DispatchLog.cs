using Microsoft.Extensions.Logging;

namespace Cortex.Dispatch;

/// <summary>The dispatcher's log messages; ids 6100-6199.</summary>
internal static partial class DispatchLog
{
    [LoggerMessage(6100, LogLevel.Warning, "API {Api}: replica {Replica} could not be reached ({Reason}); it is passed over for a moment and its request goes to another one or back into the queue")]
    public static partial void ReplicaUnreachable(this ILogger logger, string api, string replica, string reason);

    [LoggerMessage(6101, LogLevel.Warning, "API {Api}: request {Id} is put back because a payload or result could not be moved ({Reason}); see to the blob store")]
    public static partial void BlobTrouble(this ILogger logger, string api, string id, string reason);

    [LoggerMessage(6102, LogLevel.Error, "API {Api}: unexpected error while request {Id} was worked on; it is put back")]
    public static partial void UnexpectedCallError(this ILogger logger, Exception exception, string api, string id);

    [LoggerMessage(6103, LogLevel.Warning, "API {Api}: the store cannot take the outcome of request {Id} ({Reason}); it is kept and stored again shortly")]
    public static partial void StoreTrouble(this ILogger logger, string api, string id, string reason);

    [LoggerMessage(6104, LogLevel.Error, "API {Api}: the outcome of request {Id} ({Outcome}) could not be stored ({Reason}); it is worked on again when its lease has ended")]
    public static partial void OutcomeNotStored(this ILogger logger, string api, string id, string outcome, string reason);

    [LoggerMessage(6105, LogLevel.Warning, "API {Api}: the unused result {Blob} could not be deleted ({Reason}); it is removed as an orphan later")]
    public static partial void BlobNotDeleted(this ILogger logger, string api, string blob, string reason);

    [LoggerMessage(6106, LogLevel.Warning, "API {Api}: no request can be taken from its queue ({Reason}); tried again shortly")]
    public static partial void LeaseTrouble(this ILogger logger, string api, string reason);

    [LoggerMessage(6107, LogLevel.Warning, "Leases of {Count} requests in progress could not be extended ({Reason}); tried again shortly")]
    public static partial void ExtendTrouble(this ILogger logger, int count, string reason);

    [LoggerMessage(6109, LogLevel.Warning, "Replica {Replica}: {Count} requests in progress did not end within the grace period and are put back")]
    public static partial void PutBack(this ILogger logger, string replica, int count);
}
