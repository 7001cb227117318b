using Microsoft.Extensions.Logging;

namespace Cortex.Queues.Postgres;

internal static partial class Log
{
    [LoggerMessage(5100, LogLevel.Information, "Queues in PostgreSQL at {Database}, schema {Schema}, are ready.")]
    public static partial void Opened(this ILogger logger, string database, string schema);

    [LoggerMessage(5101, LogLevel.Error, "Writing to PostgreSQL at {Database} fails; {Count} operations were refused. Further failures are not logged until it works again.")]
    public static partial void WriteFailed(this ILogger logger, Exception exception, string database, int count);

    [LoggerMessage(5102, LogLevel.Information, "Writing to PostgreSQL at {Database} works again.")]
    public static partial void WritesAgain(this ILogger logger, string database);

    [LoggerMessage(5103, LogLevel.Warning, "The session with PostgreSQL at {Database} broke; it is made again. Work goes on; after {Grace} without one, other processes take over what is in progress here.")]
    public static partial void SessionBroke(this ILogger logger, Exception exception, string database, TimeSpan grace);

    [LoggerMessage(5104, LogLevel.Warning, "A notice to other processes was lost ({Database}); they find out at their next look.")]
    public static partial void NoticeLost(this ILogger logger, Exception exception, string database);

    [LoggerMessage(5105, LogLevel.Warning, "Process {Owner} that shared the queues is gone; {Count} messages it worked on are available again.")]
    public static partial void OwnerGone(this ILogger logger, int owner, int count);

    [LoggerMessage(5106, LogLevel.Warning, "{Count} messages that were worked on here were given to others while the database could not be reached.")]
    public static partial void LeasesLost(this ILogger logger, int count);

    [LoggerMessage(5107, LogLevel.Warning, "Upkeep of the queues at {Database} failed; it is tried again.")]
    public static partial void UpkeepFailed(this ILogger logger, Exception exception, string database);

    [LoggerMessage(5108, LogLevel.Warning, "The feed of changes from PostgreSQL at {Database} broke; it is made again, and nothing is missed. Until then changes by other processes are not seen.")]
    public static partial void FeedBroke(this ILogger logger, Exception exception, string database);
}
