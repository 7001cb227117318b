using System.Text;

namespace Cortex.Core.Shapes;

/// <summary>Writes shapes as tables in Markdown, for the guide's reference.</summary>
/// <param name="isTold">Whether a field is written at all.</param>
internal sealed class ReferenceWriter(Predicate<Field> isTold)
{
    /// <summary>What every page says of itself.</summary>
    public const string Origin = "Written by a program from the definitions that the server checks with. A change by hand is overwritten.";

    private const string Head = "| Key | Type | Default | Values | Meaning |\n|---|---|---|---|---|\n";

    // Smaller maps are written out wherever they stand.
    private const int FewestSharedRows = 3;

    private readonly Dictionary<MapShape, Section> _sections = [];

    /// <summary>Finds the maps that say the same in several places. Each gets a section of its own.</summary>
    /// <param name="map">A map that holds them, at any depth.</param>
    /// <param name="variants">The kinds that it is written for.</param>
    public void FindShared(MapShape map, IReadOnlyList<string> variants)
    {
        var found = new List<(MapShape Map, string Key, string Rows)>();
        foreach (var variant in variants)
        {
            Visit(map, variant, (key, inner) => found.Add((inner, key, Table(inner.Fields, "", variant))));
        }

        foreach (var places in found.GroupBy(place => place.Map))
        {
            if (places.Count() > 1 && places.Select(place => place.Rows).Distinct().Count() == 1 && places.First().Rows.Count(character => character == '\n') >= FewestSharedRows)
            {
                _sections.Add(places.Key, new Section([.. places.Select(place => place.Key).Distinct()], places.First().Rows));
            }
        }
    }

    /// <summary>A table of fields and of all that is in them.</summary>
    public string Write(IEnumerable<Field> fields, string prefix, string variant) => Head + Table(fields, prefix, variant);

    /// <summary>The sections of the maps that stand in several places, each with its heading.</summary>
    public string WriteShared() => string.Join("\n", _sections.Values.Select(section => $"## {section.Title}\n\n{Head}{section.Rows}"));

    private string Table(IEnumerable<Field> fields, string prefix, string variant)
    {
        var text = new StringBuilder();
        foreach (var field in fields.Where(field => IsTold(field, variant)))
        {
            var (type, values) = field.Shape.ToWords(variant);
            var path = $"{prefix}{field.Key}";
            var inner = Inner(field.Shape);
            var section = inner is null ? null : _sections.GetValueOrDefault(inner);
            var meaning = section is null ? Escape(field.Doc) : $"{Escape(field.Doc)} See [{section.Title}](#{section.Anchor}).";
            if (field is { Null: NullRule.Allowed, Default: not null })
            {
                values += values.Length > 0 ? "; or `null`" : "or `null`";
            }

            text.Append($"| `{path}` | {type} | {Default(field)} | {Escape(values)} | {meaning} |\n");
            if (inner is not null && section is null)
            {
                text.Append(Table(inner.Fields, field.Shape is ListShape ? $"{path}[]." : $"{path}.", variant));
            }
        }

        return text.ToString();
    }

    private void Visit(MapShape map, string variant, Action<string, MapShape> tell)
    {
        foreach (var field in map.Fields.Where(field => IsTold(field, variant)))
        {
            if (Inner(field.Shape) is { } inner)
            {
                tell(field.Key, inner);
                Visit(inner, variant, tell);
            }
        }
    }

    // A key that is only there to be refused is none that anybody writes.
    private bool IsTold(Field field, string variant) => field.AppliesTo(variant) && field.Shape is not UnusedShape && isTold(field);

    private static MapShape? Inner(Shape shape) => shape switch
    {
        MapShape map => map,
        ListShape { Element: MapShape map } => map,
        ShortFormShape { Map: var map } => map,
        WrittenShape { Inner: MapShape map } => map,
        _ => null,
    };

    private static string Default(Field field) => field switch
    {
        { Required: true } or { Default: "{}", Shape: MapShape { IsDemanding: true } } => "required",
        { Default: "{}", Shape: MapShape } => "",
        { Default: { } text } => $"`{text}`",
        { Null: NullRule.Allowed } => "`null`",
        _ => "",
    };

    // Bars end a cell, and stars would be taken for emphasis, except in code; a backtick without another begins none.
    private static string Escape(string text)
    {
        var parts = text.Split('`');
        var isCode = parts.Length % 2 == 1;
        return string.Join('`', parts.Select((part, index) => isCode && index % 2 == 1 ? part.Replace("|", "\\|", StringComparison.Ordinal) : EscapeProse(part)));
    }

    private static string EscapeProse(string text) =>
        text.Replace("|", "\\|", StringComparison.Ordinal).Replace("*", "\\*", StringComparison.Ordinal).Replace("<", "\\<", StringComparison.Ordinal);

    private sealed record Section(IReadOnlyList<string> Keys, string Rows)
    {
        public string Title => Words.Join([.. Keys.Select(key => $"`{key}`")], "and");

        // As GitHub makes it of the heading.
        public string Anchor => Words.Join(Keys, "and").Replace(' ', '-').Replace(",", "", StringComparison.Ordinal);
    }
}
