using Cortex.Core.Yaml;

namespace Cortex.Core.Shapes;

/// <summary>A value's path in its file's terms, and its place in the text.</summary>
/// <param name="Path">Such as <c>pod.containers[0].image</c>; empty for the root.</param>
/// <param name="Place">The key's place, or the list element's.</param>
internal readonly record struct Spot(string Path, Place Place)
{
    /// <summary>The spot of a key in the map at this spot.</summary>
    public Spot Key(string key, Place place) => new(Path.Length == 0 ? YamlScalar.Shorten(key) : $"{Path}.{YamlScalar.Shorten(key)}", place);

    /// <summary>The spot of an element in the list at this spot.</summary>
    public Spot Item(int index, Place place) => new($"{Path}[{index}]", place);
}
