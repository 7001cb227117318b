namespace Cortex.Server;

/// <summary>The arguments of <c>cortex server</c>.</summary>
/// <param name="DataDirectory">Holds <c>cluster.yaml</c>, <c>token</c> and the state.</param>
/// <param name="LogFile">Where to log; null logs to standard error and stays in the foreground.</param>
/// <param name="Teardown">Remove everything that the cluster runs, and end.</param>
/// <param name="ClusterName">The cluster to remove when its configuration can't be read; null reads it.</param>
internal sealed record ServerArguments(string DataDirectory, string? LogFile, bool Teardown, string? ClusterName)
{
    public const string Usage = """
        usage: cortex server --data-dir DIR [--log-file FILE] [--teardown [--cluster-name NAME]]

        Runs the operator and the gateway of one cluster until it is told to stop (SIGTERM or Ctrl-C).
        Containers go on running; the next start finds them again. `cortex cluster up` starts it in the background.

          --data-dir DIR    holds cluster.yaml (optional), token, state.db, queues.db, jobs.db, blobs and jobs
          --log-file FILE   detach from the terminal and log there
          --teardown        remove every container, volume and network of the cluster, then end
          --cluster-name NAME
                            tear down this cluster without reading cluster.yaml
        """;

    /// <summary>Reads the arguments.</summary>
    /// <returns>The arguments, or what is wrong with them.</returns>
    public static (ServerArguments? Arguments, string? Error) Parse(string[] args)
    {
        string? data = null, log = null, name = null;
        var teardown = false;
        for (var i = 0; i < args.Length; i++)
        {
            switch (args[i])
            {
                case "--data-dir" when i + 1 < args.Length:
                    data = args[++i];
                    break;
                case "--log-file" when i + 1 < args.Length:
                    log = args[++i];
                    break;
                case "--cluster-name" when i + 1 < args.Length:
                    name = args[++i];
                    break;
                case "--teardown":
                    teardown = true;
                    break;
                default:
                    return (null, $"unexpected argument `{args[i]}`");
            }
        }

        return data is null ? (null, "--data-dir is missing")
            : name is not null && !teardown ? (null, "--cluster-name is only for --teardown")
            : (new ServerArguments(Path.GetFullPath(data), log, teardown, name), null);
    }
}
