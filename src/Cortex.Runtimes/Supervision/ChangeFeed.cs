using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace Cortex.Runtimes.Supervision;

/// <summary>Tells every watcher which pods changed; changes that a watcher has not read yet are merged.</summary>
/// <remarks>A watcher's backlog is a set of pod ids, so it is bounded by the number of pods.</remarks>
internal sealed class ChangeFeed
{
    private readonly Lock _lock = new();
    private readonly List<Watcher> _watchers = [];
    private bool _ended;

    public void Changed(string podId)
    {
        lock (_lock)
        {
            foreach (var watcher in _watchers)
            {
                watcher.Add(podId);
            }
        }
    }

    /// <summary>Ends every watch.</summary>
    public void End()
    {
        lock (_lock)
        {
            _ended = true;
            foreach (var watcher in _watchers)
            {
                watcher.Bell.Writer.TryComplete();
            }
        }
    }

    /// <summary>Begins to watch at the call, so that nothing is missed between the call and the first read.</summary>
    public IAsyncEnumerable<string> WatchAsync(CancellationToken cancellationToken)
    {
        var watcher = new Watcher();
        lock (_lock)
        {
            if (_ended)
            {
                watcher.Bell.Writer.TryComplete();
            }

            _watchers.Add(watcher);
        }

        return ReadAsync(watcher, cancellationToken);
    }

    private async IAsyncEnumerable<string> ReadAsync(Watcher watcher, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        try
        {
            await foreach (var _ in watcher.Bell.Reader.ReadAllAsync(cancellationToken))
            {
                foreach (var podId in watcher.Take())
                {
                    yield return podId;
                }
            }
        }
        finally
        {
            Leave(watcher);
        }
    }

    // Not in the `finally` itself, for the reason that ImagePuller gives.
    private void Leave(Watcher watcher)
    {
        lock (_lock)
        {
            _watchers.Remove(watcher);
        }
    }

    private sealed class Watcher
    {
        private readonly Lock _lock = new();
        private HashSet<string> _changed = new(StringComparer.Ordinal);

        public Channel<bool> Bell { get; } =
            Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

        public void Add(string podId)
        {
            lock (_lock)
            {
                _changed.Add(podId);
            }

            Bell.Writer.TryWrite(true);
        }

        public HashSet<string> Take()
        {
            lock (_lock)
            {
                var taken = _changed;
                _changed = new HashSet<string>(StringComparer.Ordinal);
                return taken;
            }
        }
    }
}
