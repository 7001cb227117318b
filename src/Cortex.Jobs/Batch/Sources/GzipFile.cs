using System.IO.Compression;

namespace Cortex.Jobs.Batch.Sources;

/// <summary>A file that ends with <c>.gz</c>, as what it holds. It can be read from its start only.</summary>
internal sealed class GzipFile(SourceFile file) : SourceFile
{
    /// <summary>The file itself, or what it holds when it is compressed.</summary>
    public static SourceFile Unpack(SourceFile file) =>
        file.Path.EndsWith(".gz", StringComparison.Ordinal) ? new GzipFile(file) { Path = file.Path, Tag = file.Tag, Length = null } : file;

    public override async Task<OpenedFile> OpenAsync(long offset, CancellationToken cancellationToken)
    {
        var (content, _) = await file.OpenAsync(0, cancellationToken);
        return new(new GZipStream(content, CompressionMode.Decompress), 0);
    }
}
