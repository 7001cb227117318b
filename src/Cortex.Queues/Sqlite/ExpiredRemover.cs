using Cortex.Queues.Sqlite.Live;

namespace Cortex.Queues.Sqlite;

/// <summary>Which queues have something to be removed. Removing is done in small chunks between other operations. Of the writer's thread.</summary>
internal sealed class ExpiredRemover
{
    /// <summary>Rows of a chunk that nobody waits behind: a few milliseconds.</summary>
    public const int RowsAlone = 500;

    /// <summary>Rows of a chunk beside operations whose callers wait.</summary>
    public const int RowsBeside = 100;

    private const int QueuesPerChunk = 64;

    private readonly Queue<QueueState> _expiring = new();
    private readonly Queue<int> _deleted = new();
    private bool _paused;

    /// <summary>Whether there may be something to do.</summary>
    public bool HasWork => !_paused && (_expiring.Count > 0 || _deleted.Count > 0);

    /// <summary>Has what expired in these queues removed.</summary>
    public void Sweep(IEnumerable<QueueState> queues)
    {
        _paused = false;

        // The sweep before is not through: it goes on.
        if (_expiring.Count == 0)
        {
            foreach (var queue in queues)
            {
                _expiring.Enqueue(queue);
            }
        }
    }

    /// <summary>Has a deleted queue emptied.</summary>
    public void Empty(int number) => _deleted.Enqueue(number);

    /// <summary>Removes up to <paramref name="rows"/> rows. Returns how many queues it is through with.</summary>
    public int Execute(WriteContext context, int rows, List<string> blobs)
    {
        var left = rows;
        if (_expiring.Count == 0)
        {
            return _deleted.TryPeek(out var number) && Empty(context, number, rows, blobs) ? 1 : 0;
        }

        var through = 0;
        foreach (var queue in _expiring)
        {
            // A retired queue keeps everything until it is deleted.
            if (!queue.IsDeleted && queue.RetiredAt is null)
            {
                var until = context.StampNow - queue.Retention;
                left -= context.Statements.DeleteResults(queue.Number, until, left, blobs);
                left -= left > 0 ? context.Statements.DeleteFinal(queue.Number, until, left, blobs) : 0;
                left -= left > 0 ? context.Statements.DeleteKeys(queue.Number, until, left) : 0;
            }

            if (left == 0)
            {
                break;
            }

            if (++through == QueuesPerChunk)
            {
                break;
            }
        }

        return through;
    }

    /// <summary>What was removed is committed.</summary>
    public void Advance(int through)
    {
        for (; through > 0; through--)
        {
            if (!_expiring.TryDequeue(out _))
            {
                _deleted.TryDequeue(out _);
            }
        }
    }

    /// <summary>It can't be done now: it goes on at the next sweep.</summary>
    public void Pause() => _paused = true;

    private static bool Empty(WriteContext context, int number, int rows, List<string> blobs)
    {
        var left = rows;
        left -= context.Statements.DeleteLive(number, left, blobs);
        left -= left > 0 ? context.Statements.DeleteFinal(number, long.MaxValue, left, blobs) : 0;
        left -= left > 0 ? context.Statements.DeleteResults(number, long.MaxValue, left, blobs) : 0;
        left -= left > 0 ? context.Statements.DeleteKeys(number, long.MaxValue, left) : 0;
        if (left == 0)
        {
            return false;
        }

        context.Statements.DeleteQueue(number);
        return true;
    }
}
