using Cortex.Runtimes.Docker.Engine;

namespace Cortex.Runtimes.Docker;

/// <summary>
/// What stood in a network container's hosts, resolver and host name files before any other container joined it. Docker gives the
/// same files, writable, to all who do.
/// </summary>
internal sealed class NetworkFiles
{
    private readonly (string Path, string Content)[] _files;

    private NetworkFiles((string, string)[] files) => _files = files;

    /// <summary>Reads them; null where this process can't, as it is not the engine's user or not on its machine.</summary>
    public static NetworkFiles? TryRead(InspectedContainer container)
    {
        try
        {
            return new([.. new[] { container.HostsPath, container.ResolvConfPath, container.HostnamePath }.Select(path => (path, File.ReadAllText(path)))]);
        }
        catch (Exception exception) when (IsUnreadable(exception))
        {
            return null;
        }
    }

    /// <summary>Whether they are as they were; not when they can't be read any more.</summary>
    public bool AreUnchanged()
    {
        try
        {
            return Array.TrueForAll(_files, file => File.ReadAllText(file.Path) == file.Content);
        }
        catch (Exception exception) when (IsUnreadable(exception))
        {
            return false;
        }
    }

    private static bool IsUnreadable(Exception exception) => exception is IOException or UnauthorizedAccessException or ArgumentException;
}
