using System.Collections;
using System.Runtime.CompilerServices;

namespace Cortex.Routing;

/// <summary>An immutable list that equals another with the same items in the same order, so that routes are compared by what they say.</summary>
/// <typeparam name="T">Compares by value, too.</typeparam>
[CollectionBuilder(typeof(RouteList), nameof(RouteList.Create))]
public sealed class RouteList<T> : IReadOnlyList<T>, IEquatable<RouteList<T>>
{
    private readonly T[] _items;

    internal RouteList(T[] items) => _items = items;

    /// <summary>A list without items.</summary>
    internal static RouteList<T> Empty { get; } = new([]);

    /// <inheritdoc/>
    public int Count => _items.Length;

    /// <inheritdoc/>
    public T this[int index] => _items[index];

    /// <inheritdoc/>
    public IEnumerator<T> GetEnumerator() => ((IEnumerable<T>)_items).GetEnumerator();

    /// <inheritdoc/>
    public bool Equals(RouteList<T>? other) => other is not null && (ReferenceEquals(this, other) || _items.AsSpan().SequenceEqual(other._items));

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as RouteList<T>);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = default(HashCode);
        foreach (var item in _items)
        {
            hash.Add(item);
        }

        return hash.ToHashCode();
    }

    IEnumerator IEnumerable.GetEnumerator() => _items.GetEnumerator();
}

/// <summary>Makes lists of routes.</summary>
public static class RouteList
{
    /// <summary>A list of these items.</summary>
    public static RouteList<T> Create<T>(ReadOnlySpan<T> items) => items.IsEmpty ? RouteList<T>.Empty : new RouteList<T>(items.ToArray());
}
