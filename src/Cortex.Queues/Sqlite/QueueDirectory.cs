using System.Collections.Concurrent;
using Cortex.Queues.Sqlite.Live;

namespace Cortex.Queues.Sqlite;

/// <summary>The queues that exist. Read by everybody, changed after commits by the writer.</summary>
internal sealed class QueueDirectory
{
    private readonly ConcurrentDictionary<string, QueueState> _byName = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<int, QueueState> _byNumber = new();

    public IEnumerable<QueueState> All => _byName.Values;

    public QueueState? Find(string name) => _byName.GetValueOrDefault(name);

    public QueueState? Find(int number) => _byNumber.GetValueOrDefault(number);

    public void Add(QueueState queue)
    {
        _byName[queue.Name] = queue;
        _byNumber[queue.Number] = queue;
    }

    public void Remove(QueueState queue)
    {
        _byName.TryRemove(queue.Name, out _);
        _byNumber.TryRemove(queue.Number, out _);
    }

    public QueueState Get(string name) => Find(name) ?? throw new InvalidOperationException($"There is no queue {name}: configure it before using it.");

    public QueueState GetInUse(string name)
    {
        var queue = Get(name);
        return queue.RetiredAt is null ? queue : throw new InvalidOperationException($"Queue {name} is out of use: configure it again before using it.");
    }
}
