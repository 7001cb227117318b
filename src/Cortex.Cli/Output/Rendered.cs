using System.Text.Json;

namespace Cortex.Cli.Output;

/// <summary>What a command shows, before it is shown: once, or again and again.</summary>
/// <param name="Text">For standard output.</param>
internal sealed record Rendered(string Text)
{
    /// <summary>What went wrong beside it; empty when nothing did.</summary>
    public string Error { get; init; } = "";

    public int ExitCode { get; init; }

    /// <summary>Nothing of it will change any more, so that watching ends.</summary>
    public bool IsFinal { get; init; }

    /// <summary>An answer for programs.</summary>
    public static Rendered Data(OutputFormat format, JsonElement value) =>
        new(format == OutputFormat.Yaml ? YamlText.Document(value) : value.GetRawText());
}
