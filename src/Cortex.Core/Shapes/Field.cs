using Cortex.Core.Errors;
using Cortex.Core.Yaml;

namespace Cortex.Core.Shapes;

/// <summary>What an explicit null means.</summary>
internal enum NullRule
{
    /// <summary>An error.</summary>
    Refused,

    /// <summary>As if the key were absent.</summary>
    Absent,

    /// <summary>No value, also where the default is one.</summary>
    Allowed,

    /// <summary>A list without elements.</summary>
    EmptyList,
}

/// <summary>One key of a map.</summary>
/// <param name="Key">The key.</param>
/// <param name="Shape">What its value may be.</param>
/// <param name="Doc">What it means, for the schema.</param>
internal sealed record Field(string Key, Shape Shape, string Doc)
{
    private readonly YamlNode? _default;

    /// <summary>The kinds it belongs to; null for all.</summary>
    public IReadOnlyList<string>? Variants { get; init; }

    /// <summary>Whether it must be there.</summary>
    public bool Required { get; init; }

    /// <summary>What an explicit null means.</summary>
    public NullRule Null { get; init; }

    /// <summary>The YAML that an absent key stands for; null for none.</summary>
    public string? Default
    {
        get;
        init
        {
            field = value;
            _default = value is null ? null : YamlReader.Read(value).Root;
        }
    }

    /// <summary>The kind of the error when a required key is absent.</summary>
    public string MissingKind { get; init; } = ErrorKinds.MustBeDefined;

    /// <summary>The node that an absent key stands for.</summary>
    public YamlNode? DefaultNode => _default;

    /// <summary>Whether the kind has it.</summary>
    public bool AppliesTo(string variant) => Variants is null || Variants.Contains(variant);
}
