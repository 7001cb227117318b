using System.Diagnostics;
using System.Net.Sockets;
using Cortex.Queues.Blobs;

[assembly: AssemblyFixture(typeof(Cortex.Queues.Tests.Blobs.S3Server))]

namespace Cortex.Queues.Tests.Blobs;

/// <summary>An S3 server (s3rver), started when the first test asks for it.</summary>
public sealed class S3Server : IAsyncDisposable
{
    private const string Bucket = "cortex-blobs";
    private static readonly string Program = Path.Combine(Repository.Root, "artifacts/s3rver-3.7.1/node_modules/s3rver/bin/s3rver.js");
    private readonly SemaphoreSlim _starting = new(1);
    private readonly string _folder = Directory.CreateTempSubdirectory("cortex-s3rver-").FullName;
    private readonly int _port = FreePort.Find();
    private Process? _process;

    /// <summary>Options for blobs under a prefix that nobody else uses.</summary>
    internal async Task<S3BlobOptions> OptionsAsync()
    {
        Assert.SkipUnless(File.Exists(Program), "s3rver is not installed: run test/Cortex.Queues.Tests/prepare.sh");
        await _starting.WaitAsync();
        try
        {
            if (_process is null)
            {
                _process = Process.Start(new ProcessStartInfo("node", [Program, "-d", _folder, "-a", "127.0.0.1", "-p", $"{_port}", "-s", "--configure-bucket", Bucket]))!;
                await Eventually.TrueAsync(AnswersAsync, "s3rver answers");
            }
        }
        finally
        {
            _starting.Release();
        }

        return new S3BlobOptions
        {
            Endpoint = new Uri($"http://127.0.0.1:{_port}"), Bucket = Bucket, AccessKey = "S3RVER", SecretKey = "S3RVER",
            PathStyle = true, Prefix = $"test-{Guid.NewGuid():N}/", PartBytes = 5 * 1024 * 1024,
        };
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
            _process.Dispose();
        }

        Directory.Delete(_folder, recursive: true);
    }

    private async Task<bool> AnswersAsync()
    {
        Assert.False(_process!.HasExited, "s3rver ended at once");
        using var client = new TcpClient();
        try
        {
            await client.ConnectAsync("127.0.0.1", _port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
