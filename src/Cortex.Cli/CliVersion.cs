namespace Cortex.Cli;

/// <summary>The version of this program, which it also tells the operator.</summary>
internal static class CliVersion
{
    public static string Current { get; } = typeof(CliVersion).Assembly.GetName().Version!.ToString(3);
}
