using System.Formats.Tar;
using System.Security.Cryptography;
using System.Text;

namespace Cortex.Runtimes.Docker;

/// <summary>Makes an image of one layer in the format of <c>docker save</c>. The same content gives the same bytes.</summary>
internal static class ImageArchive
{
    private const UnixFileMode Plain = UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    private const UnixFileMode Executable = Plain | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    /// <param name="name">Repository and tag.</param>
    /// <param name="arch">As Go names it: amd64, arm64.</param>
    /// <param name="entrypoint">Words that need no escape in JSON.</param>
    /// <param name="fill">Writes the root file system.</param>
    public static byte[] Make(string name, string arch, IEnumerable<string> entrypoint, Action<TarWriter> fill)
    {
        var layer = Tar(fill);
        var words = string.Join(',', entrypoint.Select(w => $"\"{w}\""));
        var config = Encoding.UTF8.GetBytes(
            $$$"""
            {"architecture":"{{{arch}}}","os":"linux","created":"2020-01-01T00:00:00Z","config":{"Entrypoint":[{{{words}}}]},"rootfs":{"type":"layers","diff_ids":["sha256:{{{Sha256(layer)}}}"]}}
            """);
        var configName = $"{Sha256(config)}.json";
        var manifest = Encoding.UTF8.GetBytes(
            $$"""
            [{"Config":"{{configName}}","RepoTags":["{{name}}"],"Layers":["layer.tar"]}]
            """);
        return Tar(writer =>
        {
            foreach (var (file, content) in new[] { (configName, config), ("layer.tar", layer), ("manifest.json", manifest) })
            {
                using var data = new MemoryStream(content);
                Add(writer, file, data, executable: false);
            }
        });
    }

    /// <summary>Adds a regular file that everybody may read.</summary>
    public static void Add(TarWriter writer, string name, Stream content, bool executable) =>
        writer.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, name)
        {
            DataStream = content,
            Mode = executable ? Executable : Plain,
            ModificationTime = DateTimeOffset.UnixEpoch,
        });

    private static byte[] Tar(Action<TarWriter> fill)
    {
        using var tar = new MemoryStream();
        using (var writer = new TarWriter(tar, TarEntryFormat.Ustar, leaveOpen: true))
        {
            fill(writer);
        }

        return tar.ToArray();
    }

    private static string Sha256(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));
}
