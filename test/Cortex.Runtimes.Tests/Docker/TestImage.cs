using System.Formats.Tar;
using Cortex.Runtimes.Docker;
using Cortex.Runtimes.Docker.Engine;
using Cortex.Runtimes.Tests.Docker;

[assembly: AssemblyFixture(typeof(TestImage))]

namespace Cortex.Runtimes.Tests.Docker;

/// <summary>An image with BusyBox, made from the program on this machine: shell, web server and the like.</summary>
public sealed class TestImage : IAsyncLifetime
{
    private const string Program = "/bin/busybox";

    private readonly DockerEngine _engine = new(new DockerRuntimeOptions().EffectiveSocketPath, TimeSpan.FromMinutes(2), TimeProvider.System);

    /// <summary>Unique to this run: another one's clean-up must not take it away.</summary>
    public static string Name { get; } = $"cortex-test/busybox:{Guid.NewGuid():N}";

    internal static byte[] Archive(string name, string arch, string content = "hello from busybox\n")
    {
        Assert.True(File.Exists(Program), $"{Program} is missing: run test/prepare.sh, or apt-get install busybox-static");
        return ImageArchive.Make(name, arch, ["/bin/sh"], root =>
        {
            using var program = File.OpenRead(Program);
            ImageArchive.Add(root, "bin/busybox", program, executable: true);
            foreach (var applet in new[] { "sh", "httpd", "nc", "echo", "false", "true", "cat", "stat", "sleep", "id", "env", "wget", "touch", "ls", "df", "hostname", "head", "tr", "printf", "grep" })
            {
                root.WriteEntry(new UstarTarEntry(TarEntryType.SymbolicLink, $"bin/{applet}") { LinkName = "busybox", ModificationTime = DateTimeOffset.UnixEpoch });
            }

            using var page = new MemoryStream(System.Text.Encoding.UTF8.GetBytes(content));
            ImageArchive.Add(root, "www/index.html", page, executable: false);
        });
    }

    public async ValueTask InitializeAsync()
    {
        try
        {
            var version = await _engine.ConnectAsync(TestContext.Current.CancellationToken);
            await _engine.LoadImageAsync(Archive(Name, version.Arch), TestContext.Current.CancellationToken);
        }
        catch (RuntimeUnavailableException error)
        {
            Assert.Fail($"these tests need Docker: {error.Message}");
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _engine.RemoveImageAsync(Name, CancellationToken.None);
        _engine.Dispose();
    }
}
