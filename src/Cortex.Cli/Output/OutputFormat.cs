namespace Cortex.Cli.Output;

/// <summary>How an answer is written.</summary>
internal enum OutputFormat
{
    /// <summary>For people.</summary>
    Pretty,

    /// <summary>Compact JSON.</summary>
    Json,

    /// <summary>The same data as YAML.</summary>
    Yaml,
}
