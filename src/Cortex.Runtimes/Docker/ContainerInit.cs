namespace Cortex.Runtimes.Docker;

/// <summary>Whether a container's program brings an init of its own. Pure.</summary>
/// <remarks>s6 and systemd must be process 1 and refuse to work otherwise; the others only complain.</remarks>
internal static class ContainerInit
{
    private static readonly HashSet<string> _names = new(
        ["init", "systemd", "s6-svscan", "tini", "tini-static", "dumb-init", "catatonit", "docker-init", "my_init", "runsvinit"], StringComparer.Ordinal);

    /// <param name="words">The program and its arguments, as the container runs them.</param>
    public static bool BringsOwn(IEnumerable<string> words) =>
        words.FirstOrDefault() is { } program && _names.Contains(program[(program.LastIndexOf('/') + 1)..]);
}
