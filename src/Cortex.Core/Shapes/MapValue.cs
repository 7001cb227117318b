namespace Cortex.Core.Shapes;

/// <summary>The values of a map after reading, defaults filled in.</summary>
internal sealed class MapValue(Spot spot)
{
    private readonly Dictionary<string, object?> _values = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Spot> _spots = new(StringComparer.Ordinal);

    /// <summary>Where the map stands.</summary>
    public Spot Spot => spot;

    /// <summary>Every key with its value, in the order of the fields.</summary>
    public IEnumerable<KeyValuePair<string, object?>> Values => _values;

    public void Add(string key, object? value, Spot? written)
    {
        _values[key] = value;
        if (written is { } place)
        {
            _spots[key] = place;
        }
    }

    /// <summary>Whether the file spells the key out.</summary>
    public bool IsWritten(string key) => _spots.ContainsKey(key);

    /// <summary>Whether the key has a value that is not null, be it valid or refused.</summary>
    public bool HasValue(string key) => _values.GetValueOrDefault(key) is not null;

    /// <summary>Where the key stands; the map's own place under the key's path when it is absent.</summary>
    public Spot SpotOf(string key) => _spots.TryGetValue(key, out var written) ? written : spot.Key(key, spot.Place);

    /// <summary>Whether the key has a valid value that is not null.</summary>
    public bool TryGet<T>(string key, out T value)
    {
        var has = _values.TryGetValue(key, out var found) && found is T;
        value = has ? (T)found! : default!;
        return has;
    }

    /// <summary>The value of a key that must have one. Only for what was read without errors.</summary>
    public T Get<T>(string key) => (T)_values[key]!;

    /// <summary>The value of a key, or null. Only for what was read without errors.</summary>
    public T? Find<T>(string key)
        where T : class => (T?)_values.GetValueOrDefault(key);

    /// <summary>The integer of a key. Only for what was read without errors.</summary>
    public int Int32(string key) => checked((int)Get<long>(key));
}

/// <summary>The elements of a list after reading.</summary>
/// <param name="Spot">Where the list stands.</param>
/// <param name="Items">The elements; refused ones are <see cref="Walk.Invalid"/>.</param>
internal sealed record ListValue(Spot Spot, IReadOnlyList<object?> Items)
{
    /// <summary>The elements that were not refused.</summary>
    public IReadOnlyList<T> Of<T>() => [.. Items.OfType<T>()];
}
