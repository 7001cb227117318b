namespace Cortex.Queues.Sqlite.Live;

/// <summary>What a lease gives its holder, of a message that was never leased.</summary>
/// <param name="Secret">Random half of the id.</param>
/// <param name="Head">As it was put in.</param>
/// <param name="Payload">As it was put in.</param>
/// <param name="EnqueuedAt">In milliseconds of Unix time.</param>
internal readonly record struct CachedMessage(long Secret, ReadOnlyMemory<byte> Head, Body Payload, long EnqueuedAt);

/// <summary>
/// Messages that were just written and not yet leased, so that their first lease reads nothing. When it is full it takes
/// no more: what is in it is older, and leased before what comes. Thread-safe.
/// </summary>
internal sealed class PayloadCache(long limit)
{
    private const int Overhead = 160;

    private readonly Lock _lock = new();
    private readonly Dictionary<long, CachedMessage> _messages = [];
    private long _bytes;

    public void Add(long sequence, in CachedMessage message)
    {
        var size = Size(message);
        lock (_lock)
        {
            if (_bytes + size <= limit && _messages.TryAdd(sequence, message))
            {
                _bytes += size;
            }
        }
    }

    public bool TryTake(long sequence, out CachedMessage message)
    {
        lock (_lock)
        {
            if (!_messages.Remove(sequence, out message))
            {
                return false;
            }

            _bytes -= Size(message);
            return true;
        }
    }

    private static long Size(in CachedMessage message) => message.Head.Length + message.Payload.Inline.Length + Overhead;
}
