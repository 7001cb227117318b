using System.Collections.Concurrent;
using Cortex.Background;
using Cortex.Queues.Postgres.Writing;

namespace Cortex.Queues.Postgres.Leasing;

/// <summary>The lines of all queues, and what they need of the store.</summary>
internal sealed class LeaseLines(Database database, HeldLeases held, Owner owner, Action<Operation> post, Func<Task> settle, QueueStoreOptions options, TimeProvider time)
{
    private readonly ConcurrentDictionary<int, LeaseLine> _lines = new();

    public TimeProvider Time => time;

    public LeaseLine Of(int queue) => _lines.GetOrAdd(queue, q => new LeaseLine(q, this, options.FairnessInterval));

    /// <summary>There may be messages in the queue.</summary>
    public void Signal(int queue)
    {
        if (_lines.TryGetValue(queue, out var line))
        {
            line.Signal();
        }
    }

    /// <summary>Queues that somebody waits for.</summary>
    public int[] WaitedFor() => [.. _lines.Values.Where(l => l.IsWaitedFor).Select(l => l.Queue)];

    /// <summary>The queue is not in use any more: sends everybody away.</summary>
    public void Close(int queue)
    {
        if (_lines.TryRemove(queue, out var line))
        {
            GiveBack(line.Close());
        }
    }

    /// <summary>Sends everybody away, and waits for claims that are under way.</summary>
    public async Task CloseAllAsync()
    {
        foreach (var (queue, line) in _lines)
        {
            Close(queue);
            await line.Ended;
        }
    }

    /// <exception cref="StoreUnavailableException">The database can't be asked.</exception>
    public async Task<List<Fetched>> FetchAsync(int queue, int count, int fair)
    {
        var tokens = owner.BeginClaim(count);
        try
        {
            await settle();
            await using var connection = await database.OpenRelaxedAsync(CancellationToken.None);
            return await Claim.RunAsync(connection, queue, count, fair, tokens, held, CancellationToken.None).OnPoolAsync();
        }
        catch (Exception e) when (Database.IsDatabaseError(e))
        {
            // It may have been carried out all the same.
            owner.IsOutOfStep = true;
            throw database.Translate(e);
        }
        finally
        {
            owner.EndClaim(tokens);
        }
    }

    /// <summary>Somebody begins to work on it. False when it was revoked meanwhile.</summary>
    public bool Start(HeldLease lease, TimeSpan visibility) => held.Start(lease, visibility);

    public void GiveBack(Lease lease)
    {
        if (held.Suspend(lease) is { } found)
        {
            GiveBack([found]);
        }
    }

    /// <summary>Puts messages back that nobody worked on. What can't be written now is written by the next look at what is held.</summary>
    public void GiveBack(List<HeldLease> leases)
    {
        foreach (var lease in leases)
        {
            if (held.Remove(lease))
            {
                try
                {
                    post(new ReleaseOperation(lease.Queue, lease.Lease));
                }
                catch (IOException)
                {
                    owner.IsOutOfStep = true;
                }
            }
        }
    }
}
