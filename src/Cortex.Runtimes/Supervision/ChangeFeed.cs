using System.Runtime.CompilerServices;
using Cortex.Background;

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
                watcher.End();
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
                watcher.End();
            }

            _watchers.Add(watcher);
        }

        return ReadAsync(watcher, cancellationToken);
    }

    private async IAsyncEnumerable<string> ReadAsync(Watcher watcher, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        try
        {
            do
            {
                await watcher.Bell.WaitAsync(cancellationToken);
                foreach (var podId in watcher.Take())
                {
                    yield return podId;
                }
            }
            while (!watcher.HasEnded);
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
        private bool _ended;

        public Bell Bell { get; } = new();

        /// <summary>Whether nothing comes behind what can be taken now.</summary>
        public bool HasEnded
        {
            get
            {
                lock (_lock)
                {
                    return _ended && _changed.Count == 0;
                }
            }
        }

        public void Add(string podId)
        {
            lock (_lock)
            {
                _changed.Add(podId);
            }

            Bell.Ring();
        }

        public void End()
        {
            lock (_lock)
            {
                _ended = true;
            }

            Bell.Ring();
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
