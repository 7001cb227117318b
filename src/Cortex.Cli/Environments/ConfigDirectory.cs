namespace Cortex.Cli.Environments;

/// <summary>Where the command line keeps its files.</summary>
internal static class ConfigDirectory
{
    /// <summary>The variable that moves it.</summary>
    public const string Variable = "CORTEX_CLI_CONFIG_DIR";

    /// <summary><c>$CORTEX_CLI_CONFIG_DIR</c>, made absolute, or <c>~/.cortex</c>.</summary>
    public static string Locate(CliHost host) =>
        host.Variable(Variable) is { Length: > 0 } path ? host.FullPath(path) : Path.Combine(host.HomeDirectory, ".cortex");
}
