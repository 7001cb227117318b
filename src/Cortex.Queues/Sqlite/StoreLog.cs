using Microsoft.Extensions.Logging;

namespace Cortex.Queues.Sqlite;

internal static partial class StoreLog
{
    [LoggerMessage(5000, LogLevel.Information, "Queues in {Path} are ready: {Waiting} waiting, SQLite {Version}, {Elapsed:0} ms.")]
    public static partial void Opened(this ILogger logger, string path, long waiting, string version, double elapsed);

    [LoggerMessage(5001, LogLevel.Error, "No room to write {Path}. New messages are refused until there is; make room on the disk.")]
    public static partial void Full(this ILogger logger, string path);

    [LoggerMessage(5002, LogLevel.Information, "There is room to write {Path} again.")]
    public static partial void RoomAgain(this ILogger logger, string path);

    [LoggerMessage(5003, LogLevel.Error, "Writing {Path} failed.")]
    public static partial void WriteFailed(this ILogger logger, Exception exception, string path);

    [LoggerMessage(5004, LogLevel.Warning, "Removing what has expired from {Path} failed; it is tried again at the next sweep.")]
    public static partial void SweepFailed(this ILogger logger, Exception exception, string path);

    [LoggerMessage(5005, LogLevel.Warning, "Can't hold {Bytes} bytes of disk back for {Path}: {Reason}. When the disk is full, results can't be written either.")]
    public static partial void NoReserve(this ILogger logger, long bytes, string path, string reason);

    [LoggerMessage(5006, LogLevel.Warning, "Message {Id} has no follow-up: its queue {Queue} is not in use.")]
    public static partial void NoFollowUp(this ILogger logger, MessageId id, string queue);

    [LoggerMessage(5007, LogLevel.Warning, "Blob {Name} can't be deleted now; it is removed later as an orphan.")]
    public static partial void BlobNotDeleted(this ILogger logger, Exception exception, string name);

    [LoggerMessage(5008, LogLevel.Warning, "Looking for blobs that belong to no message failed; it is tried again later.")]
    public static partial void OrphanSweepFailed(this ILogger logger, Exception exception);

    [LoggerMessage(5009, LogLevel.Information, "Removed {Count} blobs that belonged to no message.")]
    public static partial void OrphansRemoved(this ILogger logger, int count);

    [LoggerMessage(5010, LogLevel.Warning, "The last checkpoint of {Path} failed; the next start reads the write-ahead log instead.")]
    public static partial void CheckpointFailed(this ILogger logger, Exception exception, string path);

    [LoggerMessage(5011, LogLevel.Error, "{Path} is damaged: {Found}. Requests are refused. Stop the server, then restore the file, mend it with `sqlite3 {Path} .recover`, or move it away to begin with empty queues.")]
    public static partial void Damaged(this ILogger logger, string path, string found);

    [LoggerMessage(5012, LogLevel.Warning, "{Path} could not be checked to its end for broken pages ({Reason}).")]
    public static partial void NotChecked(this ILogger logger, string path, string reason);
}
