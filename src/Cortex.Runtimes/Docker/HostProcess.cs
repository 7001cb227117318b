using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace Cortex.Runtimes.Docker;

/// <summary>A process of a container, seen from the machine: possible where this process shares it with the engine.</summary>
internal static class HostProcess
{
    // The unit of times in /proc, whatever the kernel's own one.
    private const double TicksPerSecond = 100;

    /// <summary>How long ago a process of a container began; null when that can't be seen from here.</summary>
    public static TimeSpan? Age(int pid, string containerId)
    {
        try
        {
            if (!IsOf(pid, containerId))
            {
                return null;
            }

            // The name comes second, in brackets, and may hold anything; the start is the 22nd.
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            var began = double.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[19], CultureInfo.InvariantCulture) / TicksPerSecond;
            var now = double.Parse(File.ReadAllText("/proc/uptime").Split(' ')[0], CultureInfo.InvariantCulture);
            return TimeSpan.FromSeconds(Math.Max(0, now - began));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or FormatException)
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
