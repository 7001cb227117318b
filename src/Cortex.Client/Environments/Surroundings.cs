namespace Cortex.Client.Environments;

/// <summary>What environments depend on beside their file.</summary>
/// <param name="Variable">An environment variable; null when it is not set.</param>
/// <param name="HomeDirectory">The user's.</param>
/// <param name="WorkingDirectory">Where relative paths start.</param>
internal sealed record Surroundings(Func<string, string?> Variable, string HomeDirectory, string WorkingDirectory)
{
    /// <summary>The client's folder in every container of a cluster.</summary>
    public string ContainerDirectory { get; init; } = "/cortex/client";

    public static Surroundings OfThisProcess() =>
        new(Environment.GetEnvironmentVariable, Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), Directory.GetCurrentDirectory());

    /// <summary>A relative path of the user's as a full one.</summary>
    public string FullPath(string path)
    {
        var expanded = path == "~" || path.StartsWith("~/", StringComparison.Ordinal) ? HomeDirectory + path[1..] : path;
        return Path.GetFullPath(expanded, WorkingDirectory);
    }
}
