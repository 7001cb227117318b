using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using Cortex.Jobs.Batch.Sources;

namespace Cortex.Jobs.Batch.Items;

/// <summary>Items that are the names of files.</summary>
internal sealed class PathItems(IAsyncEnumerable<ListedFile> files, CancellationToken cancellationToken) : IItemSource
{
    private static readonly JsonWriterOptions Json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly IAsyncEnumerator<ListedFile> _files = files.GetAsyncEnumerator(cancellationToken);
    private readonly ArrayBufferWriter<byte> _item = new();

    /// <inheritdoc/>
    public ReadOnlySpan<byte> Item => _item.WrittenSpan;

    /// <inheritdoc/>
    public SourcePosition Position { get; private set; }

    /// <inheritdoc/>
    public async ValueTask<bool> ReadAsync(CancellationToken cancellationToken)
    {
        if (!await _files.MoveNextAsync())
        {
            return false;
        }

        var (path, file) = _files.Current;
        Position = new(path, file.Path, file.Tag, null, 1);
        _item.ResetWrittenCount();
        using var json = new Utf8JsonWriter(_item, Json);
        json.WriteStringValue(file.Path);
        return true;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _files.DisposeAsync();
}
