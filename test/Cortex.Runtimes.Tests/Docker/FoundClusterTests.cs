using Cortex.Runtimes.Docker;
using Cortex.Runtimes.Docker.Engine;

namespace Cortex.Runtimes.Tests.Docker;

/// <summary>What is made of containers and volumes as a process may have left them when it was killed.</summary>
public sealed class FoundClusterTests
{
    private static readonly Volume[] _volumes = [Volume("cortex-c-web-mnt", "web"), Volume("cortex-c-web-cortex", "web")];

    [Fact]
    public void Of_WholePod_HasItsContainers()
    {
        var found = FoundCluster.Of("c", [Network("cortex-c-web"), User("web", "api"), User("web", "side")], _volumes);

        var pod = Assert.Single(found.Pods);
        Assert.Equal(("web", "cortex-c-web-mnt", "cortex-c-web", 2), (pod.Id, pod.Record.Name, pod.Infra!.Name, pod.Users.Count));
        Assert.Null(pod.DeletionDeadline);
        AssertNothingIsLeft(found);
    }

    [Fact]
    public void Of_RecordAlone_IsAPod()
    {
        var found = FoundCluster.Of("c", [], _volumes);

        Assert.True(Assert.Single(found.Pods) is { Infra: null, Users: [] });
        AssertNothingIsLeft(found);
    }

    [Fact]
    public void Of_SpareTakenAndNotYetTaken_AreToldApart()
    {
        var found = FoundCluster.Of("c", [Network("cortex-c-web"), Network("cortex-c.spare-00ff"), Network("cortex-c-spare-api")], [.. _volumes, Volume("cortex-c-spare-api-mnt", "spare-api")]);

        Assert.Equal(["cortex-c.spare-00ff"], found.Spares);
        Assert.Equal(["spare-api", "web"], found.Pods.Where(p => p.Infra is not null).Select(p => p.Id).Order());
        Assert.Empty(found.LeftContainers);
    }

    [Fact]
    public void Of_PodWithTheMarkOfFreezing_HasItsTime()
    {
        var mark = Volume("cortex-c-web-frozen", "web") with { CreatedAt = DateTimeOffset.UnixEpoch.AddSeconds(7) };

        var found = FoundCluster.Of("c", [Network("cortex-c-web"), User("web", "api")], [.. _volumes, mark]);

        Assert.Equal(DateTimeOffset.UnixEpoch.AddSeconds(7), Assert.Single(found.Pods).FrozenAt);
        AssertNothingIsLeft(found);
        Assert.Equal(["cortex-c-web-frozen"], FoundCluster.Of("c", [], [mark]).LeftVolumes.Select(v => v.Name));
    }

    [Fact]
    public void Of_DeletionHadBegun_HasItsDeadline()
    {
        var name = DockerLabels.Deleting("c", "web", DateTimeOffset.UnixEpoch.AddSeconds(7));

        var found = FoundCluster.Of("c", [Network(name), User("web", "api")], _volumes);

        Assert.Equal(DateTimeOffset.UnixEpoch.AddSeconds(7), Assert.Single(found.Pods).DeletionDeadline);
    }

    [Fact]
    public void Of_DeletionWasAlmostThrough_LeavesTheRestToBeRemoved()
    {
        var name = DockerLabels.Deleting("c", "web", DateTimeOffset.UnixEpoch);

        var found = FoundCluster.Of("c", [Network(name), User("other", "api")], [_volumes[1]]);

        Assert.Empty(found.Pods);
        Assert.Equal([name, "cortex-c-other.api"], found.LeftContainers.Select(c => c.Name).OrderDescending());
        Assert.Equal(["cortex-c-web-cortex"], found.LeftVolumes.Select(v => v.Name));
    }

    private static void AssertNothingIsLeft(FoundCluster found)
    {
        Assert.Empty(found.Spares);
        Assert.Empty(found.LeftContainers);
        Assert.Empty(found.LeftVolumes);
    }

    private static ListedContainer Network(string name) => new() { Id = name, Names = ["/" + name] };

    private static ListedContainer User(string pod, string container) => new()
    {
        Id = $"{pod}.{container}",
        Names = ["/" + DockerLabels.User("c", pod, container)],
        Labels = new Dictionary<string, string> { [DockerLabels.Pod] = pod, [DockerLabels.Container] = container },
    };

    private static Volume Volume(string name, string pod) => new(name, new Dictionary<string, string> { [DockerLabels.Pod] = pod }, DateTimeOffset.UnixEpoch);
}
