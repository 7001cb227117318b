using System.Security.Cryptography;

namespace Cortex.Queues.Sqlite;

/// <summary>
/// Gives ids. Sequence numbers are reserved in the file in blocks, so that none of a committed message is given again
/// after a restart, whatever was given and never used.
/// </summary>
internal sealed class IdSource(long next)
{
    private const long Block = 1 << 20;

    private long _last = next - 1;

    /// <summary>The last sequence number that was given.</summary>
    public long Last => Volatile.Read(ref _last);

    /// <summary>Where the next process goes on, as the file says. Of the writer's thread.</summary>
    public long Reserved { get; set; } = next;

    /// <summary>A new id.</summary>
    public MessageId Next()
    {
        Span<byte> random = stackalloc byte[8];
        RandomNumberGenerator.Fill(random);
        return new MessageId(Interlocked.Increment(ref _last), BitConverter.ToInt64(random) & MessageId.MaxSecret);
    }

    /// <summary>What the file has to say from the next commit on; null while enough is reserved.</summary>
    public long? Reserve() => Last + (Block / 2) > Reserved ? Last + Block : null;
}
