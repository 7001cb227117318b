using System.Text;
using Cortex.Runtimes.Docker;
using Cortex.Runtimes.Docker.Engine;

namespace Cortex.Runtimes.Tests.Docker;

/// <summary>The pieces of the Docker runtime that need no Docker.</summary>
public sealed class PiecesTests
{
    [Theory]
    [InlineData("nginx", "docker.io", "nginx", "latest")]
    [InlineData("team/app:1.2", "docker.io", "team/app", "1.2")]
    [InlineData("localhost/app", "localhost", "localhost/app", "latest")]
    [InlineData("registry.example.com:5000/a/b:tag", "registry.example.com:5000", "registry.example.com:5000/a/b", "tag")]
    [InlineData("registry.example.com:5000/a/b", "registry.example.com:5000", "registry.example.com:5000/a/b", "latest")]
    [InlineData("a.b/c@sha256:00ff", "a.b", "a.b/c", "sha256:00ff")]
    [InlineData("a.b/c:tag@sha256:00ff", "a.b", "a.b/c", "sha256:00ff")]
    public void Parse_ImageReference_AsDockerDoes(string image, string registry, string repository, string tag) =>
        Assert.Equal(new ImageReference(registry, repository, tag), ImageReference.Parse(image));

    [Fact]
    public void Validate_Defaults_AreRight() => Assert.Empty(new DockerRuntimeOptions().Validate());

    [Fact]
    public void Validate_ManyErrors_NamesEachWithItsBoundAndValue()
    {
        var errors = new DockerRuntimeOptions { ClusterName = "No", CpuOvercommit = 0.5, ParallelStarts = 0, RestartMax = TimeSpan.Zero }.Validate();

        Assert.Equal(4, errors.Count);
        Assert.Contains("CpuOvercommit must be from 1 to 1000, but is 0.5", errors);
        var thrown = Assert.Throws<ArgumentException>(() => new DockerRuntime(new DockerRuntimeOptions { LogFiles = 0 }));
        Assert.Contains("LogFiles must be from 1 to 100, but is 0", thrown.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("amd64", 62)]
    [InlineData("arm64", 183)]
    public void Program_Processor_IsAnElfForIt(string arch, byte machine)
    {
        var elf = ElfProgram.Make(arch, MetadataGuard.Code(arch));

        Assert.Equal([0x7F, (byte)'E', (byte)'L', (byte)'F', 2, 1, 1], elf.Take(7));
        Assert.Equal(machine, elf[18]);
        Assert.Equal(InfraImage.Archive(arch), InfraImage.Archive(arch));
        Assert.Throws<PlatformNotSupportedException>(() => InfraImage.Archive("s390x"));
    }

    [Fact]
    public void Take_Gpus_GivesEachToOneContainer()
    {
        var ledger = new GpuLedger { Count = 3 };

        Assert.Equal(["0", "1"], ledger.Take("a", 2));
        Assert.Equal(["2"], ledger.Take("b", 1));
        Assert.Equal(["0", "1"], ledger.Take("a", 2));
        ledger.Release("a");
        ledger.Adopt("c", ["0"]);
        Assert.Equal(["1"], ledger.Take("d", 1));
    }

    [Fact]
    public void DeletionDeadline_NameOfADeletedPod_GivesItBack()
    {
        var deadline = DateTimeOffset.FromUnixTimeMilliseconds(1_900_000_000_123);

        Assert.Equal(deadline, DockerLabels.DeletionDeadline("/" + DockerLabels.Deleting("c", "pod", deadline)));
        Assert.Null(DockerLabels.DeletionDeadline("/" + DockerLabels.Infra("c", "pod")));
    }

    [Fact]
    public void Add_PiecesOfOneLine_MakesItWholeWithItsFirstTime()
    {
        var assembler = new LogAssembler("web");

        Assert.Empty(assembler.Add(Frame("2030-01-01T00:00:00.123456789Z first ")));
        Assert.Empty(assembler.Add(Frame("2030-01-01T00:00:05Z other\r", isError: true)));
        var line = Assert.Single(assembler.Add(Frame("2030-01-01T00:00:01.5Z second\n")));
        var rest = Assert.Single(assembler.Rest());

        Assert.Equal(new LogLine("web", new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero).AddTicks(1234567), "first second", false), line);
        Assert.Equal(("other", true), (rest.Text, rest.IsError));
        Assert.Equal(1893456001_500000000, assembler.Last);
    }

    [Fact]
    public async Task ReadAsync_StreamThatIsNotMultiplexed_IsRefused()
    {
        using var stream = new MemoryStream(Encoding.ASCII.GetBytes("plain text, no frames"));

        await Assert.ThrowsAsync<RuntimeUnavailableException>(
            async () => await LogFrames.ReadAsync(stream, TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken));
    }

    private static LogFrame Frame(string text, bool isError = false) => new(isError, Encoding.UTF8.GetBytes(text));
}
