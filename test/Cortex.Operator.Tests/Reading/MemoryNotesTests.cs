using System.Text.Json;
using Cortex.Core.Specs;
using Cortex.Core.Wire;
using Cortex.Operator.Reading;
using Cortex.Runtimes;

namespace Cortex.Operator.Tests.Reading;

public sealed class MemoryNotesTests
{
    [Fact]
    public void Sentences_ReplicasOverWhatTheyAskFor_AreCountedPerContainer()
    {
        var notes = Notes(("api", "64Mi"), ("side", "1Gi"), ("free", null));

        notes.Add(Pod(("api", 65 << 20), ("side", 100 << 20), ("free", 1 << 30)));
        notes.Add(Pod(("api", 200 << 20), ("side", null), ("free", null)));
        notes.Add(Pod(("api", 64 << 20), ("gone", 1 << 30)));

        Assert.Equal(["2 replicas use more memory than they ask for: container api up to 200Mi, its compute.mem is 64Mi"], notes.Sentences());
    }

    [Fact]
    public void Sentences_OneReplica_IsNamedAsOne()
    {
        var notes = Notes(("api", "64Mi"));

        notes.Add(Pod(("api", 80 << 20)));

        Assert.Equal(["1 replica uses more memory than it asks for: container api 80Mi, its compute.mem is 64Mi"], notes.Sentences());
    }

    private static MemoryNotes Notes(params (string Name, string? Mem)[] containers) => new(new DeployedSpec
    {
        Name = "a", Kind = ApiKind.RealtimeAPI, Networking = new("/a"), Id = "i", SpecId = "s", PodId = "p", SubmittedApiSpec = JsonDocument.Parse("{}").RootElement,
        Pod = new PodSpec
        {
            Containers = [.. containers.Select(c => new ContainerSpec { Name = c.Name, Image = "image", Compute = new ComputeSpec { Mem = c.Mem } })],
        },
    });

    private static PodStatus Pod(params (string Name, long? Bytes)[] containers) => new()
    {
        Id = "pod", Labels = new Dictionary<string, string>(), State = PodState.Ready, CreatedAt = default, StateSince = default,
        Containers = [.. containers.Select(c => new ContainerStatus { Name = c.Name, MemoryBytes = c.Bytes })],
    };
}
