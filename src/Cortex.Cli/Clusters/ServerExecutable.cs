using System.Diagnostics;

namespace Cortex.Cli.Clusters;

/// <summary>How this program is started again as a server.</summary>
/// <param name="FileName">The executable.</param>
/// <param name="Arguments">What comes before the command's own words.</param>
internal sealed record ServerExecutable(string FileName, IReadOnlyList<string> Arguments)
{
    /// <summary>This executable; under <c>dotnet cortex.dll</c> that is dotnet and the library.</summary>
    public static ServerExecutable OfThisProcess()
    {
        var path = Environment.ProcessPath ?? throw new InvalidOperationException("the system does not say which executable this is");
        return Path.GetFileNameWithoutExtension(path) == "dotnet" ? new(path, [Path.GetFullPath(Environment.GetCommandLineArgs()[0])]) : new(path, []);
    }

    /// <summary>The server of a cluster, logging to the cluster's directory.</summary>
    public ProcessStartInfo Serve(ClusterDirectory cluster) => Start(["server", "--data-dir", cluster.Path, "--log-file", cluster.LogPath]);

    /// <summary>Removes what a cluster's server leaves on this machine: containers, networks, volumes.</summary>
    /// <param name="cluster">The cluster.</param>
    /// <param name="name">Its name when its configuration can't be read; otherwise null.</param>
    public ProcessStartInfo Teardown(ClusterDirectory cluster, string? name) =>
        Start(["server", "--data-dir", cluster.Path, "--teardown", .. name is null ? Array.Empty<string>() : ["--cluster-name", name]]);

    // The streams are pipes of ours, so that the server never holds the user's terminal or a script's output open.
    private ProcessStartInfo Start(IEnumerable<string> words) => new(FileName, [.. Arguments, .. words])
    {
        RedirectStandardInput = true,
        RedirectStandardOutput = true,
        RedirectStandardError = true,
        UseShellExecute = false,
        WorkingDirectory = "/",
    };
}
