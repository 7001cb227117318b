namespace Cortex.Client.Environments;

/// <summary>Where the command line keeps its files.</summary>
internal static class ConfigDirectory
{
    /// <summary>The variable that moves it.</summary>
    public const string Variable = "CORTEX_CLI_CONFIG_DIR";

    /// <summary><c>$CORTEX_CLI_CONFIG_DIR</c>, made absolute, or <c>~/.cortex</c>, or what a container of a cluster is given.</summary>
    public static string Locate(Surroundings surroundings)
    {
        if (surroundings.Variable(Variable) is { Length: > 0 } path)
        {
            return surroundings.FullPath(path);
        }

        var home = Path.Combine(surroundings.HomeDirectory, ".cortex");
        return !File.Exists(CliConfigStore.PathIn(home)) && File.Exists(CliConfigStore.PathIn(surroundings.ContainerDirectory)) ? surroundings.ContainerDirectory : home;
    }
}
