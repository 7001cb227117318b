using System.Text.Json;

namespace Cortex.Cli.Output;

/// <summary>Writes an answer for programs to standard output.</summary>
internal static class Answer
{
    /// <summary>As JSON without a newline at the end, as the contract has it, or as YAML.</summary>
    public static void Write(CliHost host, OutputFormat format, JsonElement value) =>
        host.Out.Write(format == OutputFormat.Yaml ? YamlText.Document(value) : value.GetRawText());
}
