namespace Cortex.Core.Yaml;

/// <summary>A place in a text.</summary>
/// <param name="Line">One-based; 0 without a place.</param>
/// <param name="Column">One-based, in UTF-16 units; 0 without a place.</param>
internal readonly record struct Place(int Line, int Column);

/// <summary>A node of a document. Aliases share the node of their anchor.</summary>
internal abstract class YamlNode(Place place)
{
    public Place Place { get; } = place;

    /// <summary>Nodes in it, itself included, each alias counted in full.</summary>
    public long Nodes { get; protected init; } = 1;

    /// <summary>Characters of all its scalars, each alias counted in full.</summary>
    public long Characters { get; protected init; }

    /// <summary>Levels below it.</summary>
    public int Height { get; protected init; }

    /// <summary>What it is, in the words of an error message.</summary>
    public abstract string Describe();
}

/// <summary>A list.</summary>
internal sealed class YamlList : YamlNode
{
    public YamlList(Place place, IReadOnlyList<YamlNode> items)
        : base(place)
    {
        Items = items;
        Nodes = 1 + items.Sum(item => item.Nodes);
        Characters = items.Sum(item => item.Characters);
        Height = items.Count == 0 ? 0 : 1 + items.Max(item => item.Height);
    }

    public IReadOnlyList<YamlNode> Items { get; }

    public override string Describe() => "a list";
}

/// <summary>One key of a map with its value.</summary>
internal readonly record struct YamlEntry(YamlNode Key, YamlNode Value);

/// <summary>A map after its merge keys are merged and its duplicate keys are resolved.</summary>
internal sealed class YamlMap : YamlNode
{
    /// <param name="place">Where it begins.</param>
    /// <param name="written">The entries as they stand in the text; its size counts these.</param>
    /// <param name="entries">The entries that hold.</param>
    public YamlMap(Place place, IReadOnlyList<YamlEntry> written, IReadOnlyList<YamlEntry> entries)
        : base(place)
    {
        Entries = entries;
        Nodes = 1 + written.Sum(entry => entry.Key.Nodes + entry.Value.Nodes);
        Characters = written.Sum(entry => entry.Key.Characters + entry.Value.Characters);
        Height = written.Count == 0 ? 0 : 1 + written.Max(entry => Math.Max(entry.Key.Height, entry.Value.Height));
    }

    public IReadOnlyList<YamlEntry> Entries { get; }

    public override string Describe() => "a map";
}
