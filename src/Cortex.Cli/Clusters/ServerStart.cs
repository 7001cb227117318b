using System.Diagnostics;
using System.Globalization;
using Cortex.Client;
using Cortex.Client.Environments;
using Cortex.Core.Errors;

namespace Cortex.Cli.Clusters;

/// <summary>Starts a cluster's server in the background and waits until it answers.</summary>
internal static class ServerStart
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan QuietTime = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(60);

    /// <summary>The most lines of a log that an error repeats.</summary>
    private const int LogLines = 10;

    /// <exception cref="CortexException">It ended, or did not answer in time; the message has what it said.</exception>
    public static async Task RunAsync(CliHost host, ClusterDirectory cluster, CortexEnvironment environment, CancellationToken cancellationToken)
    {
        var logStart = File.Exists(cluster.LogPath) ? new FileInfo(cluster.LogPath).Length : 0;
        using var process = Process.Start(host.Server.Serve(cluster)) ?? throw new IOException($"{host.Server.FileName} could not be started");
        process.StandardInput.Close();
        PrivateFile.Write(cluster.PidPath, process.Id.ToString(CultureInfo.InvariantCulture));
        using var reading = new CancellationTokenSource();
        var said = LastLines.CollectAsync(process.StandardError, LogLines, reading.Token);
        try
        {
            await WaitAsync(host, cluster, environment, process, cancellationToken);
        }
        catch (ServerEndedException)
        {
            File.Delete(cluster.PidPath);
            throw new CortexException("cli.cluster_up", await ExplainAsync(cluster, said, logStart, process.ExitCode));
        }
        catch
        {
            // Nobody would know about a server that is left behind half started.
            process.Kill();
            File.Delete(cluster.PidPath);
            throw;
        }
        finally
        {
            await reading.CancelAsync();
        }
    }

    private static async Task WaitAsync(CliHost host, ClusterDirectory cluster, CortexEnvironment environment, Process process, CancellationToken cancellationToken)
    {
        var started = host.Time.GetTimestamp();
        var announced = false;
        using var client = host.Connect(environment);
        while (!await AnswersAsync(client, cancellationToken))
        {
            if (process.HasExited)
            {
                throw new ServerEndedException();
            }

            var elapsed = host.Time.GetElapsedTime(started);
            if (elapsed > StartTimeout)
            {
                throw new CortexException("cli.cluster_up", $"the server does not answer at {environment.OperatorEndpoint} after {StartTimeout.TotalSeconds:0} s; its log is {cluster.LogPath}");
            }

            if (!announced && elapsed > QuietTime)
            {
                await host.Error.WriteLineAsync("waiting for the cluster to answer ...");
                announced = true;
            }

            await Task.Delay(PollInterval, host.Time, cancellationToken);
        }

        // Something else may have answered at our address while our own process failed to get it.
        if (process.HasExited)
        {
            throw new ServerEndedException();
        }
    }

    private static async Task<bool> AnswersAsync(CortexClient client, CancellationToken cancellationToken)
    {
        try
        {
            await client.InfoAsync(cancellationToken);
            return true;
        }
        catch (CortexException)
        {
            return false;
        }
    }

    private static async Task<string> ExplainAsync(ClusterDirectory cluster, Task<IReadOnlyList<string>> said, long logStart, int exitCode)
    {
        var lines = await said;
        if (lines.Count == 0)
        {
            lines = await LogTailAsync(cluster.LogPath, logStart);
        }

        var errors = lines.Where(line => line.StartsWith("error: ", StringComparison.Ordinal)).Select(line => line["error: ".Length..]).ToArray();
        var reason = string.Join('\n', errors.Length > 0 ? errors : lines);
        return reason.Length == 0
            ? $"the server ended with code {exitCode} and said nothing; its log is {cluster.LogPath}"
            : errors.Length > 0 ? reason : $"the server ended with code {exitCode}; the end of its log {cluster.LogPath}:\n{reason}";
    }

    private static async Task<IReadOnlyList<string>> LogTailAsync(string path, long start)
    {
        if (!File.Exists(path))
        {
            return [];
        }

        await using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        file.Position = Math.Min(start, file.Length);
        using var reader = new StreamReader(file);
        return await LastLines.CollectAsync(reader, LogLines, CancellationToken.None);
    }

    private sealed class ServerEndedException : Exception;
}
