namespace Cortex.Core.Yaml;

/// <summary>What a YAML file may cost. Over a limit it is refused as a whole, with the limit named.</summary>
internal static class YamlLimits
{
    /// <summary>Size of the text in UTF-8: 1 MiB.</summary>
    public const int Bytes = 1024 * 1024;

    /// <summary>Levels of maps and lists in each other.</summary>
    public const int Depth = 100;

    /// <summary>Nodes after every alias is replaced by what it stands for.</summary>
    public const int Nodes = 100_000;

    /// <summary>Characters after every alias is replaced by what it stands for.</summary>
    public const int Characters = 8 * 1024 * 1024;

    /// <summary>Errors that are listed; the others are only counted.</summary>
    public const int Errors = 1000;
}
