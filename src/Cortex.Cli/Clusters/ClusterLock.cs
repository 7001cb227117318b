using Cortex.Core.Errors;

namespace Cortex.Cli.Clusters;

/// <summary>Lets one command at a time start, change or end a cluster. The system lets go of it when the process ends.</summary>
internal sealed class ClusterLock : IDisposable
{
    /// <summary>How long a command waits for another one's end; a start may take a minute.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    /// <summary>The system's word for a lock that somebody else has (EWOULDBLOCK).</summary>
    private const int HeldByAnother = 11;

    private readonly FileStream _file;

    private ClusterLock(FileStream file) => _file = file;

    /// <summary>Waits for the lock of a cluster, whose directory is made when it is missing.</summary>
    /// <exception cref="CortexException">Another command has held it for too long, or no lock can be made there.</exception>
    public static async Task<ClusterLock> TakeAsync(CliHost host, ClusterDirectory cluster, CancellationToken cancellationToken)
    {
        var began = host.Time.GetTimestamp();
        while (true)
        {
            try
            {
                cluster.Create();
                return new ClusterLock(new FileStream(cluster.LockPath, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
            }
            catch (IOException exception) when (exception.HResult == HeldByAnother)
            {
                if (host.Time.GetElapsedTime(began) > Patience)
                {
                    throw new CortexException("cli.cluster_up", $"another command works on this cluster ({exception.Message}); wait for its end, or stop it", exception);
                }
            }

            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                throw new CortexException("cli.cluster_up", $"the cluster's folder {cluster.Path} can't be used ({exception.Message}); it must be a folder that this user may write to", exception);
            }

            await Task.Delay(Pause, host.Time, cancellationToken);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();
}
