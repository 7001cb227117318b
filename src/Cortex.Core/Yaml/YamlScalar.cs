namespace Cortex.Core.Yaml;

/// <summary>What a scalar means in YAML 1.1.</summary>
internal enum YamlScalarType
{
    Null,
    Bool,
    Int,
    Float,
    String,

    /// <summary>Unquoted and starting with <c>@</c>: Cortex reserves it, so that no string field takes it.</summary>
    Reference,

    /// <summary>An unquoted <c>&lt;&lt;</c>; only meaningful as a key.</summary>
    Merge,
}

/// <summary>A scalar with its meaning.</summary>
internal sealed class YamlScalar : YamlNode
{
    private const int ShownLength = 60;

    public YamlScalar(Place place, YamlScalarType type, string text)
        : base(place)
    {
        Type = type;
        Text = text;
        Characters = text.Length;
    }

    public YamlScalarType Type { get; }

    /// <summary>The text as it stands in the file, without quotes.</summary>
    public string Text { get; }

    /// <summary>The value of an int: from -2^63 to 2^64-1.</summary>
    public Int128 Integer { get; init; }

    /// <summary>The value of a float.</summary>
    public double Number { get; init; }

    /// <summary>The value of a bool.</summary>
    public bool Truth { get; init; }

    public bool IsNull => Type is YamlScalarType.Null;

    public bool IsString => Type is YamlScalarType.String or YamlScalarType.Merge;

    public override string Describe() => Type switch
    {
        YamlScalarType.Null => "null",
        YamlScalarType.Bool => $"the boolean {Text}",
        YamlScalarType.Int => $"the integer {Shorten(Text)}",
        YamlScalarType.Float => $"the number {Shorten(Text)}",
        _ => $"the string \"{Shorten(Text)}\"",
    };

    /// <summary>A text fit for an error message: one line of bounded length, without characters that steer a terminal.</summary>
    public static string Shorten(string text, int length = ShownLength)
    {
        var line = (text.Length <= length ? text : text[..length] + "...").ReplaceLineEndings(" ");
        return line.Any(char.IsControl) ? string.Concat(line.Select(character => char.IsControl(character) ? '\uFFFD' : character)) : line;
    }
}
