using System.Text.Json;
using Cortex.Core.Specs;
using Cortex.Core.Wire;

namespace Cortex.Jobs.Tests.Support;

/// <summary>Values that tests need and do not care about.</summary>
internal static class Some
{
    public static readonly DateTimeOffset Start = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public static JobRecord Job(string id = "0000000000000001", string api = "train", DateTimeOffset? created = null) => new()
    {
        Id = id,
        ApiName = api,
        Kind = ApiKind.TaskAPI,
        ApiId = $"{api}--1",
        SpecId = "spec",
        PodId = "pod",
        CreatedAt = created ?? Start,
    };

    public static DeployedSpec Api(string name = "train", string version = "1", JobsSpec? jobs = null, params string[] containers) => new()
    {
        Name = name,
        Kind = ApiKind.TaskAPI,
        Id = $"{name}--{version}",
        SpecId = "spec",
        PodId = "pod",
        Networking = new NetworkingSpec("/" + name),
        Jobs = jobs ?? new JobsSpec { MaxAttempts = 1 },
        Pod = new PodSpec { Containers = [.. (containers.Length > 0 ? containers : ["main"]).Select(container => new ContainerSpec { Name = container, Image = $"app:{version}", Command = ["run"], Compute = new ComputeSpec { Cpu = "10m" } })] },
        SubmittedApiSpec = JsonDocument.Parse("{}").RootElement,
    };
}
