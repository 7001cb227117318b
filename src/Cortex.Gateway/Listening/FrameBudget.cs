namespace Cortex.Gateway.Listening;

/// <summary>
/// What an HTTP/2 client may ask for without use. Frames that move nothing (PING, SETTINGS, WINDOW_UPDATE, empty DATA, ...) cost
/// one each and a request that its client takes back costs twenty; bytes that flow, either way, earn; and time does. A client that
/// works earns more than it spends: even one that acknowledges every 32 bytes of its answers.
/// </summary>
/// <remarks>Spent by the connection's one reader; bytes are earned on any thread.</remarks>
internal sealed class FrameBudget(TimeProvider time)
{
    public const int Burst = 10_000;
    public const int PerSecond = 2000;
    public const int ResetPrice = 20;
    private const int EarningBytes = 32;   // more than the answer to a PING has: that must not pay for the next

    private int _left = Burst;
    private long _since = time.GetTimestamp();
    private long _flowed;

    /// <summary>Bytes have flowed.</summary>
    public void Earn(int bytes) => Interlocked.Add(ref _flowed, bytes);

    /// <summary>False when it is used up.</summary>
    public bool TrySpend(int price)
    {
        _left -= price;
        return _left >= 0 || TryRefill();
    }

    private bool TryRefill()
    {
        var now = time.GetTimestamp();
        var earned = (Interlocked.Exchange(ref _flowed, 0) / EarningBytes) + (time.GetElapsedTime(_since, now).TotalSeconds * PerSecond);
        _since = now;
        _left = (int)Math.Min(_left + earned, Burst);
        return _left >= 0;
    }
}
