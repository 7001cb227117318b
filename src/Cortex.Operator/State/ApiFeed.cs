using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Cortex.Background;

namespace Cortex.Operator.State;

/// <summary>What is wanted, in memory, and who is told when it changes.</summary>
internal sealed class ApiFeed
{
    private readonly ConcurrentDictionary<Bell, bool> _watchers = new();
    private volatile ApiSnapshot _now = ApiSnapshot.Unknown;

    /// <summary>The newest snapshot.</summary>
    public ApiSnapshot Now => _now;

    /// <summary>Makes a snapshot the newest. One caller at a time.</summary>
    public void Publish(ApiSnapshot snapshot)
    {
        if (ReferenceEquals(snapshot, _now))
        {
            return;
        }

        _now = snapshot;
        foreach (var watcher in _watchers.Keys)
        {
            watcher.Ring();
        }
    }

    /// <inheritdoc cref="IApiStore.WatchAsync"/>
    public async IAsyncEnumerable<ImmutableSortedDictionary<string, WantedApi>> WatchAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var bell = new Bell();
        _watchers[bell] = true;
        try
        {
            while (true)
            {
                yield return _now.Apis;
                await bell.WaitAsync(cancellationToken);
            }
        }
        finally
        {
            _watchers.TryRemove(bell, out _);
        }
    }
}
