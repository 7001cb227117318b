using System.Net;
using System.Net.Sockets;

namespace Cortex.EndToEnd.Tests;

public sealed class TroubleTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("cortex-e2e-").FullName;

    private CortexExecutable Cli => new(_directory);

    [Fact]
    public async Task Up_DockerMissing_SaysSoAndHowToMendIt()
    {
        var result = await UpAsync("docker: {host: 'unix:///nowhere/docker.sock'}");

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("/nowhere/docker.sock", result.Error, StringComparison.Ordinal);
        Assert.Contains("Docker", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Up_PortTaken_NamesThePort()
    {
        using var taken = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        taken.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        taken.Listen();
        var port = ((IPEndPoint)taken.LocalEndPoint!).Port;

        var result = await UpAsync($"apis: {{port: {port}}}");

        Assert.Equal(1, result.ExitCode);
        Assert.Contains($"{port}", result.Error, StringComparison.Ordinal);
        Assert.Contains("taken", result.Error, StringComparison.Ordinal);
        Assert.Empty(await Shell.LinesAsync("docker", "network", "ls", "-q", "--filter", $"label=dev.cortex.cluster={Name}"));
    }

    [Fact]
    public async Task Up_BadConfiguration_ListsEveryError()
    {
        var result = await UpAsync("apis: {prot: 1}\noperator: {port: 0}");

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("prot", result.Error, StringComparison.Ordinal);
        Assert.Contains("operator.port", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Get_NoCluster_SaysHowToGetOne()
    {
        var result = await Cli.RunAsync("get");

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("cortex cluster up", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task State_DiskFull_RefusesAndGoesOnWhenThereIsSpace()
    {
        await TestImage.EnsureAsync();
        var data = Path.Combine(_directory, "clusters", Name);
        Directory.CreateDirectory(data);
        await Shell.RunAsync("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", data);
        try
        {
            var up = await UpAsync("limits: {server_log_size: 100Ki}");
            Assert.True(up.ExitCode == 0, up.Error);
            var small = Path.Combine(_directory, "small.yaml");
            await File.WriteAllTextAsync(small, LocalCluster.Api("small"));
            await Cli.OkAsync("deploy", small, "--wait");

            var filler = Path.Combine(data, "filler");
            Fill(filler, new byte[4096]);

            // To the last byte: the log has no room for a line.
            Fill(Path.Combine(data, "server.log"), "\n"u8.ToArray());

            var large = Path.Combine(_directory, "large.yaml");
            await File.WriteAllTextAsync(large, string.Concat(Enumerable.Range(0, 100).Select(i => LocalCluster.Api($"large-{i}", replicas: 0))));
            var refused = await Cli.RunAsync("deploy", large);
            Assert.Equal(1, refused.ExitCode);
            Assert.Contains("full", refused.Error, StringComparison.Ordinal);
            Assert.Contains("small", await Cli.OkAsync("get"), StringComparison.Ordinal);
            var replica = Assert.Single(await Shell.LinesAsync("docker", "ps", "-q", "--no-trunc", "--filter", $"label=dev.cortex.cluster={Name}", "--filter", "label=dev.cortex.container"));
            for (var kill = 0; kill < 3; kill++)
            {
                var before = await StartedAsync(replica);
                await Shell.RunAsync("docker", "kill", replica);
                await Eventually.TrueAsync(
                    async () => await StartedAsync(replica) is var now && now != before && now.StartsWith("true", StringComparison.Ordinal), $"the replica runs again after kill {kill + 1}", TimeSpan.FromSeconds(60));
            }

            File.Delete(filler);
            await File.WriteAllTextAsync(small, LocalCluster.Api("small", version: "2"));
            Assert.Contains("updating small", await Cli.OkAsync("deploy", small, "--wait"), StringComparison.Ordinal);
        }
        finally
        {
            await Cli.RunAsync("cluster", "down", "-y", "--keep-data");
            await Shell.RunAsync("umount", data);
        }
    }

    private static Task<string> StartedAsync(string container) => Shell.RunAsync("docker", "inspect", "-f", "{{.State.Running}} {{.State.StartedAt}}", container);

    // Adds to a file until the disk is full.
    private static void Fill(string path, byte[] bytes)
    {
        using var file = new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
        try
        {
            while (true)
            {
                file.Write(bytes);
            }
        }
        catch (IOException)
        {
            // As wanted.
        }
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private string Name { get; } = "e2e-" + Guid.NewGuid().ToString("N")[..8];

    private async Task<CommandResult> UpAsync(string more)
    {
        var ports = new List<string>();
        foreach (var section in new[] { "operator", "apis" })
        {
            if (!more.Contains(section + ":", StringComparison.Ordinal))
            {
                using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
                ports.Add($"{section}: {{port: {((IPEndPoint)socket.LocalEndPoint!).Port}}}");
            }
        }

        var file = Path.Combine(_directory, "cluster.yaml");
        await File.WriteAllTextAsync(file, $"cluster_name: {Name}\n{string.Join('\n', ports)}\n{more}\n");
        return await Cli.RunAsync("cluster", "up", file);
    }
}
