namespace Cortex.Gateway.Splitting;

/// <summary>
/// Assigns keys to weighted targets by rendezvous hashing: the same in every process, in proportion to the weights, and when weights
/// change only as many keys move as have to.
/// </summary>
internal static class StickyHash
{
    private const ulong FnvOffset = 14695981039346656037;
    private const ulong FnvPrime = 1099511628211;

    /// <summary>The hash of a key or of a target's name.</summary>
    public static ulong Of(ReadOnlySpan<char> text)
    {
        var hash = FnvOffset;
        foreach (var character in text)
        {
            hash = (hash ^ character) * FnvPrime;
        }

        return Mix(hash);
    }

    /// <summary>How far a key is from a target; the nearest target has it. Infinite for a weight of 0.</summary>
    public static double Distance(ulong key, ulong target, int weight)
    {
        // Evenly spread in (0, 1), so that the logarithm is spread like waiting times, of which each target's is the shortest as
        // often as its weight says.
        var uniform = ((Mix(key ^ target) >> 11) + 0.5) / (1UL << 53);
        return -Math.Log(uniform) / weight;
    }

    // The finalizer of SplitMix64: every bit of the result depends on every bit of the value.
    private static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
        value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
        return value ^ (value >> 31);
    }
}
