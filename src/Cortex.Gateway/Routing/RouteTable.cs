using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;

namespace Cortex.Gateway.Routing;

/// <summary>
/// Endpoints compiled for look-up. Immutable. The longest endpoint that is the path itself or one of its leading runs
/// of whole segments wins. A look-up allocates nothing and costs one hash per segment, up to the deepest endpoint,
/// however many endpoints there are.
/// </summary>
/// <remarks>
/// Paths are compared as they came, case and percent-encoding included. Dot segments are not resolved: the first
/// segments decide which API gets the request, so <c>/a/../b</c> can only ever reach <c>/a</c>.
/// </remarks>
/// <typeparam name="T">What an endpoint leads to.</typeparam>
internal sealed class RouteTable<T>
    where T : class
{
    private readonly FrozenDictionary<string, T>.AlternateLookup<ReadOnlySpan<char>> _byEndpoint;
    private readonly T? _root;
    private readonly int _deepest;

    /// <summary>Compiles the table.</summary>
    /// <param name="endpoints">Unique endpoints that start with a slash and end without one; <c>/</c> catches all.</param>
    public RouteTable(IEnumerable<KeyValuePair<string, T>> endpoints)
    {
        var byEndpoint = new Dictionary<string, T>(StringComparer.Ordinal);
        foreach (var (endpoint, target) in endpoints)
        {
            var key = endpoint.TrimEnd('/');
            if (key.Length == 0)
            {
                _root = target;
                continue;
            }

            byEndpoint.Add(key, target);
            _deepest = Math.Max(_deepest, key.AsSpan().Count('/'));
        }

        _byEndpoint = byEndpoint.ToFrozenDictionary(StringComparer.Ordinal).GetAlternateLookup<ReadOnlySpan<char>>();
    }

    /// <summary>Finds the endpoint that serves a path.</summary>
    /// <param name="path">A path without its query.</param>
    /// <param name="target">What the endpoint leads to.</param>
    /// <param name="matched">How many characters of the path the endpoint covers.</param>
    public bool TryMatch(ReadOnlySpan<char> path, [NotNullWhen(true)] out T? target, out int matched)
    {
        target = _root;
        matched = 0;
        if (path.Length == 0 || path[0] != '/')
        {
            return target is not null;
        }

        var end = 0;
        for (var depth = 0; depth < _deepest && end < path.Length; depth++)
        {
            var next = path[(end + 1)..].IndexOf('/');
            end = next < 0 ? path.Length : end + 1 + next;
            if (_byEndpoint.TryGetValue(path[..end], out var found))
            {
                target = found;
                matched = end;
            }
        }

        return target is not null;
    }
}
