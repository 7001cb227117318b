namespace Cortex.Runtimes.Tests.Docker;

/// <summary>Pods of the test image.</summary>
internal static class DockerPods
{
    /// <summary>A shell as process 1 gets no default signal handling, so it must say that it ends on SIGTERM.</summary>
    public const string EndsWhenTold = "trap 'exit 0' TERM INT; ";

    /// <summary>Serves /www on a port until it is told to end.</summary>
    public static string Serve(int port = 8080) => $"{EndsWhenTold}httpd -f -p {port} -h /www & wait";

    /// <summary>Does nothing until it is told to end.</summary>
    public const string Idle = $"{EndsWhenTold}sleep 100000 & wait";

    public static PodContainer Shell(string name, string script) => new()
    {
        Name = name,
        Image = TestImage.Name,
        Command = ["/bin/sh", "-c", script],
        MemoryBytes = 32L << 20,
        CpuMillis = 10,
    };

    public static PodDefinition Pod(string id, params PodContainer[] containers) => new()
    {
        Id = id,
        Labels = new Dictionary<string, string> { [PodLabels.ApiName] = $"{id}-api" },
        Containers = containers,
    };

    /// <summary>One container that serves on 8080, ready when the port is open.</summary>
    public static PodDefinition Web(string id) => Pod(id, Shell("web", Serve())) with { Port = 8080, DefaultProbePort = 8080 };
}
