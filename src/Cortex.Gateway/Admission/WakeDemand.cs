namespace Cortex.Gateway.Admission;

/// <summary>What the requests that wait for an API to wake share: the way to say so, and the memory for their bodies.</summary>
/// <param name="bufferLimit">Bytes that bodies of such requests may take, of all APIs together.</param>
/// <param name="signal">Gets the name of an API that has no replica and is asked for; may be called often, and from threads that serve sockets.</param>
internal sealed class WakeDemand(long bufferLimit, Action<string> signal)
{
    private long _buffered;

    /// <summary>Says that an API without a replica is asked for.</summary>
    public void Signal(string apiName) => signal(apiName);

    /// <summary>Takes memory for a body that stays with the connection while its request waits; false when too much is taken.</summary>
    public bool TryBuffer(long bytes)
    {
        if (Interlocked.Add(ref _buffered, bytes) <= bufferLimit || bytes == 0)
        {
            return true;
        }

        Interlocked.Add(ref _buffered, -bytes);
        return false;
    }

    /// <summary>Gives the memory back.</summary>
    public void Release(long bytes) => Interlocked.Add(ref _buffered, -bytes);
}
