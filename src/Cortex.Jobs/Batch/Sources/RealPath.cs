using Microsoft.Win32.SafeHandles;

namespace Cortex.Jobs.Batch.Sources;

/// <summary>Paths with every link on the way followed.</summary>
internal static class RealPath
{
    private const int MostLinks = 40;   // as Linux itself

    /// <summary>Of an open file; null where the system doesn't tell.</summary>
    public static string? Of(SafeFileHandle handle) =>
        OperatingSystem.IsLinux() ? new FileInfo($"/proc/self/fd/{handle.DangerousGetHandle()}").LinkTarget : null;

    /// <summary>Of a name; null when there is no such file or folder, or the links go in circles.</summary>
    public static string? Of(string path)
    {
        var links = 0;
        var done = "/";
        var rest = new Stack<string>(Path.GetFullPath(path).Split('/', StringSplitOptions.RemoveEmptyEntries).Reverse());
        while (rest.TryPop(out var part))
        {
            var next = Path.Join(done, part);
            FileSystemInfo entry = Directory.Exists(next) ? new DirectoryInfo(next) : new FileInfo(next);
            if (entry.LinkTarget is { } target)
            {
                if (++links > MostLinks)
                {
                    return null;
                }

                foreach (var piece in Path.GetFullPath(target, done).Split('/', StringSplitOptions.RemoveEmptyEntries).Reverse())
                {
                    rest.Push(piece);
                }

                done = "/";
            }
            else if (!entry.Exists)
            {
                return null;
            }
            else
            {
                done = next;
            }
        }

        return done;
    }
}
