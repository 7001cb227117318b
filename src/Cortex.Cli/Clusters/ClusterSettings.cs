using Cortex.Core.Clusters;
using Cortex.Core.Errors;

namespace Cortex.Cli.Clusters;

/// <summary>A cluster's configuration and where it makes the cluster reachable.</summary>
internal sealed record ClusterSettings(ClusterConfig Config)
{
    public string Name => Config.ClusterName;

    /// <summary>The operator's URL on this machine.</summary>
    public string OperatorEndpoint => Url(Config.Operator);

    /// <summary>The URL that every API's endpoint starts with.</summary>
    public string ApiEndpoint => Url(Config.Apis);

    /// <exception cref="CortexException">There is no such file, or it is not valid.</exception>
    public static ClusterSettings Read(string path) => File.Exists(path)
        ? Parse(File.ReadAllText(path), path)
        : throw new CortexException("error", $"there is no file {path}");

    /// <exception cref="CortexException">It is not valid; the message has every error.</exception>
    public static ClusterSettings Parse(string yaml, string path)
    {
        var file = ClusterConfigParser.Parse(path, yaml);
        return file.Config is { } config
            ? new ClusterSettings(config)
            : throw new CortexException(file.Errors[0].Kind, string.Join("\nerror: ", file.Errors));
    }

    /// <summary>Says which of the file's fields do nothing here, so that nobody counts on them.</summary>
    public async Task NameIgnoredFieldsAsync(CliHost host)
    {
        foreach (var field in Config.IgnoredFields)
        {
            await host.Error.WriteLineAsync($"note: {field} has no effect on this machine");
        }
    }

    // A server that listens everywhere is reached from here by the loopback address.
    private static string Url(ListenAddress address) => address.Host switch
    {
        "0.0.0.0" or "*" => $"http://127.0.0.1:{address.Port}",
        "::" => $"http://[::1]:{address.Port}",
        var host when host.Contains(':', StringComparison.Ordinal) => $"http://[{host}]:{address.Port}",
        var host => $"http://{host}:{address.Port}",
    };
}
