using System.Text.Json.Nodes;
using Cortex.Core.Errors;
using Cortex.Core.Yaml;

namespace Cortex.Core.Shapes;

/// <summary>A list. Gives a <see cref="ListValue"/>.</summary>
internal sealed class ListShape(Shape element) : Shape
{
    /// <summary>What each of its elements may be.</summary>
    public Shape Element => element;

    /// <summary>The fewest elements it may have.</summary>
    public int MinCount { get; init; }

    /// <summary>The kind of the error for too few elements.</summary>
    public string TooFewKind { get; init; } = ErrorKinds.CannotBeEmpty;

    /// <summary>The most elements it may have; null for no limit of its own.</summary>
    public int? MaxCount { get; init; }

    public override object? Read(YamlNode node, Spot spot, Walk walk)
    {
        if (node is not YamlList list)
        {
            return WrongType(node, spot, walk, "a list");
        }

        if (list.Items.Count < MinCount)
        {
            return walk.Fail(spot, TooFewKind, $"must have at least {MinCount} element{(MinCount == 1 ? "" : "s")}");
        }

        if (list.Items.Count > MaxCount)
        {
            return walk.Fail(spot, ErrorKinds.TooManyElements, $"has {list.Items.Count} elements; at most {MaxCount} are allowed");
        }

        var items = new List<object?>(list.Items.Count);
        for (var index = 0; index < list.Items.Count; index++)
        {
            var item = list.Items[index];
            var at = walk.Visit(spot.Item(index, item.Place));
            items.Add(element is MapShape && item is YamlScalar { IsNull: true }
                ? walk.Fail(at, element.NullKind, "cannot be null; fill it in or remove it")
                : element.Read(item, at, walk));
        }

        return new ListValue(spot, items);
    }

    public override ShapeWords ToWords(string variant)
    {
        var (type, values) = element.ToWords(variant);
        var count = (MinCount, MaxCount) switch
        {
            (0, null) => "",
            (0, { } most) => $"at most {most}",
            (var least, null) => $"at least {least}",
            var (least, most) => $"{least} to {most} of them",
        };
        return new($"list of {Plural(type)}", string.Join("; ", new[] { count, values.Length > 0 ? $"each {values}" : "" }.Where(text => text.Length > 0)));
    }

    private static string Plural(string type) => type switch
    {
        "text" => "texts",
        "map" => "maps",
        "integer" => "integers",
        _ => type,
    };

    public override JsonObject ToSchema(string variant)
    {
        var schema = new JsonObject { ["type"] = "array", ["items"] = element.ToSchema(variant) };
        if (MinCount > 0)
        {
            schema["minItems"] = MinCount;
        }

        if (MaxCount is { } most)
        {
            schema["maxItems"] = most;
        }

        return schema;
    }
}
