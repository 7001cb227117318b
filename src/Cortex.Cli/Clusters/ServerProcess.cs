using System.Globalization;
using System.Runtime.InteropServices;

namespace Cortex.Cli.Clusters;

/// <summary>The server process of a cluster, found by its pid file and its command line.</summary>
internal sealed partial class ServerProcess
{
    private const int TerminateSignal = 15;
    private const int KillSignal = 9;

    /// <summary>How long a server may take to stop before it is killed: it drains nothing, containers keep running.</summary>
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(20);

    private readonly ClusterDirectory _cluster;

    private ServerProcess(ClusterDirectory cluster, int id) => (_cluster, Id) = (cluster, id);

    public int Id { get; }

    /// <summary>Null when none runs. A pid that the system has since given to another program does not count.</summary>
    public static ServerProcess? Find(ClusterDirectory cluster)
    {
        var named = File.Exists(cluster.PidPath) ? [File.ReadAllText(cluster.PidPath).Trim()] : Array.Empty<string>();

        // Without the file, or with a wrong one, a server would be left behind; so all processes are looked at.
        return named.Concat(Directory.EnumerateDirectories("/proc").Select(Path.GetFileName))
            .Select(text => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? new ServerProcess(cluster, id) : null)
            .FirstOrDefault(process => process is { Id: > 0, IsRunning: true });
    }

    /// <summary>Whether the process lives and is this cluster's server.</summary>
    public bool IsRunning
    {
        get
        {
            try
            {
                // Empty for a zombie, which is as good as gone.
                var words = File.ReadAllText($"/proc/{Id}/cmdline").Split('\0');
                return words.Contains("server") && words.Contains(_cluster.Path) && !words.Contains("--teardown");
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                // It can end between any two looks, and another user's process is none of ours.
                return false;
            }
        }
    }

    /// <summary>Asks it to stop, waits, and kills it when it does not.</summary>
    public async Task StopAsync(TimeProvider time, CancellationToken cancellationToken)
    {
        _ = Kill(Id, TerminateSignal);
        if (!await IsGoneAsync(time, cancellationToken))
        {
            _ = Kill(Id, KillSignal);
            if (!await IsGoneAsync(time, cancellationToken))
            {
                throw new IOException($"the server process {Id} can't be stopped; stop it by hand and run the command again");
            }
        }

        File.Delete(_cluster.PidPath);
    }

    private async Task<bool> IsGoneAsync(TimeProvider time, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        while (IsRunning)
        {
            if (time.GetElapsedTime(started) > StopTimeout)
            {
                return false;
            }

            await Task.Delay(PollInterval, time, cancellationToken);
        }

        return true;
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int processId, int signal);
}
