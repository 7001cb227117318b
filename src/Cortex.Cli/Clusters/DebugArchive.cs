using System.Formats.Tar;
using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Cortex.Cli.Output;
using Cortex.Client;
using Cortex.Core.Errors;
using Cortex.Core.Wire;

namespace Cortex.Cli.Clusters;

/// <summary>Gathers what somebody needs who looks into a problem; never the token or another secret.</summary>
internal static class DebugArchive
{
    /// <summary>Writes <c>./cortex-debug-YYYY-MM-DD-HH-MM-SS.tgz</c> and returns its path.</summary>
    public static async Task<string> WriteAsync(CliHost host, ClusterDirectory cluster, CortexClient client, CancellationToken cancellationToken)
    {
        var time = host.Time.GetUtcNow().ToString("yyyy-MM-dd-HH-mm-ss", CultureInfo.InvariantCulture);
        var path = host.FullPath($"./cortex-debug-{time}.tgz");
        await using var file = File.Create(path);
        await using var gzip = new GZipStream(file, CompressionLevel.Optimal);
        await using var tar = new TarWriter(gzip);
        await AddAsync(tar, "cluster.yaml", Encoding.UTF8.GetBytes(Configuration(cluster)), cancellationToken);
        if (File.Exists(cluster.LogPath))
        {
            await AddAsync(tar, "server.log", await ReadSharedAsync(cluster.LogPath, cancellationToken), cancellationToken);
        }

        await AddAsync(tar, "info.json", await AskAsync(async () => JsonSerializer.Serialize(await client.InfoAsync(cancellationToken), WireJson.Indented.InfoResponse)), cancellationToken);
        await AddAsync(tar, "apis.json", await AskAsync(async () => JsonSerializer.Serialize(await client.GetAsync(cancellationToken), WireJson.Indented.IReadOnlyListApiResponse)), cancellationToken);
        return path;
    }

    // As the user wrote it, unless there is something in it that nobody else may see.
    private static string Configuration(ClusterDirectory cluster)
    {
        var config = cluster.ReadSettings().Config;
        return config.Secrets.Count == 0
            ? File.ReadAllText(cluster.ConfigPath)
            : $"# every field, with secrets hidden\n{YamlText.Document(config.ToInfo("", "", "", isOperatorInCluster: false))}";
    }

    // That the operator does not answer is a finding too.
    private static async Task<byte[]> AskAsync(Func<Task<string>> ask)
    {
        try
        {
            return Encoding.UTF8.GetBytes(await ask());
        }
        catch (CortexException exception)
        {
            return Encoding.UTF8.GetBytes(exception.Message);
        }
    }

    private static async Task<byte[]> ReadSharedAsync(string path, CancellationToken cancellationToken)
    {
        await using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var copy = new MemoryStream();
        await file.CopyToAsync(copy, cancellationToken);
        return copy.ToArray();
    }

    private static async Task AddAsync(TarWriter tar, string name, byte[] content, CancellationToken cancellationToken) =>
        await tar.WriteEntryAsync(new PaxTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(content) }, cancellationToken);
}
