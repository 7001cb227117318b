namespace Cortex.Queues.Postgres;

/// <summary>
/// This process in the database. While it lives it holds a lock there; when the lock has been free for a while, others give its leases back.
/// </summary>
internal sealed class Owner
{
    // A token tells its owner: 24 bits of the owner's number, 39 bits of a count.
    private const int CountBits = 39;

    private readonly Lock _lock = new();
    private readonly Dictionary<long, int> _claims = [];
    private long _lastToken;
    private volatile bool _isOutOfStep;

    /// <summary>Number of the process; rises from process to process.</summary>
    public int Id { get; private set; }

    /// <summary>The database may have leases of this process that it does not hold: they are to be compared.</summary>
    public bool IsOutOfStep
    {
        get => _isOutOfStep;
        set => _isOutOfStep = value;
    }

    public static int OwnerOf(long token) => (int)(token >> CountBits);

    public static long FirstToken(int id) => (long)id << CountBits;

    public void Become(int id)
    {
        lock (_lock)
        {
            Id = id;
            _lastToken = FirstToken(id);
        }
    }

    /// <summary>Reserves tokens for a claim that begins; they follow the one returned.</summary>
    public long BeginClaim(int count)
    {
        lock (_lock)
        {
            var before = _lastToken;
            _lastToken += count;
            _claims.Add(before, count);
            return before;
        }
    }

    /// <summary>The claim is over, and what it took is noted.</summary>
    public void EndClaim(long before)
    {
        lock (_lock)
        {
            _claims.Remove(before);
        }
    }

    /// <summary>Whether a claim is under way that may have taken this token.</summary>
    public bool IsBeingClaimed(long token)
    {
        lock (_lock)
        {
            return _claims.Any(c => token > c.Key && token <= c.Key + c.Value);
        }
    }
}
