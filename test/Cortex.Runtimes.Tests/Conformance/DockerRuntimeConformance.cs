using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Cortex.Core.Specs;
using Cortex.Runtimes.Tests.Docker;

namespace Cortex.Runtimes.Tests.Conformance;

/// <summary>As it comes: pods take spare networks where there are some.</summary>
public sealed class DockerRuntimeConformance() : DockerConformance(spares: 1);

/// <summary>Every pod starts a network container of its own.</summary>
public sealed class DockerRuntimeWithoutSparesConformance() : DockerConformance(spares: 0);

public abstract class DockerConformance(int spares) : RuntimeConformance
{
    private readonly DockerCluster _cluster = new();
    private readonly TcpListener _silentRegistry = new(IPAddress.Loopback, 0);

    protected override IContainerRuntime Open(IReadOnlyList<NodeGroupShare> groups) => _cluster.Make(o =>
    {
        o.SpareNetworks = spares;
        o.NodeGroups = groups;
    });

    protected override async Task CleanAsync()
    {
        _silentRegistry.Stop();
        await _cluster.DisposeAsync();
    }

    protected override PodDefinition Make(Wish wish)
    {
        var web = wish.Kind switch
        {
            Kind.NeverReady => DockerPods.Shell("web", DockerPods.Idle),
            Kind.Exits or Kind.OneExits => DockerPods.Shell("web", string.Create(CultureInfo.InvariantCulture, $"exit {wish.ExitCode}")),
            Kind.EatsMemory => DockerPods.Shell("web", "a=x; while true; do a=$a$a; done"),
            Kind.ImageIsSlow => DockerPods.Shell("web", "") with { Image = SlowImage() },
            Kind.ImageIsMissing => DockerPods.Shell("web", "") with { Image = "127.0.0.1:1/nobody/none:1" },
            Kind.IgnoresStop => DockerPods.Shell("web", "trap '' TERM; httpd -f -p 8080 -h /www"),
            Kind.FailsLiveness => DockerPods.Shell("web", DockerPods.Serve()) with
            {
                LivenessProbe = new ProbeSpec { HttpGet = new HttpGetSpec("/missing", 8080), InitialDelaySeconds = 1, PeriodSeconds = 1, FailureThreshold = 2 },
            },
            Kind.Writes => DockerPods.Shell("web", "echo one; echo two; echo three; " + DockerPods.Serve()),
            _ => DockerPods.Shell("web", DockerPods.Serve()),
        };
        var side = DockerPods.Shell("side", (wish.Kind is Kind.Writes ? "echo one; echo two; echo three; " : "") + DockerPods.Idle) with { CpuMillis = 0, MemoryBytes = 0 };
        web = web with { CpuMillis = wish.CpuMillis, MemoryBytes = wish.MemoryBytes, MemoryLimitBytes = wish.Kind is Kind.EatsMemory ? wish.MemoryBytes : 0 };
        var pod = wish.Kind is Kind.Exits or Kind.EatsMemory ? DockerPods.Pod(wish.Id, web) : DockerPods.Pod(wish.Id, web, side);
        return pod with { Restart = wish.Restart, HelperGrace = wish.HelperGrace, Port = 8080, DefaultProbePort = wish.Restart is RestartPolicy.Always ? 8080 : null };
    }

    /// <summary>A registry that takes connections and never answers.</summary>
    private string SlowImage()
    {
        _silentRegistry.Start();
        return $"127.0.0.1:{((IPEndPoint)_silentRegistry.LocalEndpoint).Port}/slow/image:1";
    }
}
