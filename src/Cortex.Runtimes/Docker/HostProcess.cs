using System.ComponentModel;
using System.Diagnostics;

namespace Cortex.Runtimes.Docker;

/// <summary>A process of a container, seen from the machine: possible where this process shares it with the engine.</summary>
internal static class HostProcess
{
    /// <summary>Whether this is a process of a container that runs; null when that can't be told, as none of such a number is seen from here.</summary>
    public static bool? Runs(int pid, string containerId)
    {
        try
        {
            if (!IsOf(pid, containerId))
            {
                return null;
            }

            // The name comes second, in brackets, and may hold anything.
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            return stat[stat.LastIndexOf(')') + 2] is not ('Z' or 'X');
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Kills a process of a container and all that it has started. Whether that was possible.</summary>
    public static bool TryKill(int pid, string containerId)
    {
        try
        {
            if (!IsOf(pid, containerId))
            {
                return false;
            }

            using var process = Process.GetProcessById(pid);
            process.Kill(entireProcessTree: true);
            return true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException or InvalidOperationException or Win32Exception or AggregateException)
        {
            // It has ended by itself, or belongs to somebody else.
            return false;
        }
    }

    // The engine may run on another machine, where its numbers mean other processes: the control group names the container.
    private static bool IsOf(int pid, string containerId) =>
        pid > 0 && File.ReadAllText($"/proc/{pid}/cgroup").Contains(containerId, StringComparison.Ordinal);
}
