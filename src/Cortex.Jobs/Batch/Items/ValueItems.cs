using Cortex.Jobs.Batch.Sources;

namespace Cortex.Jobs.Batch.Items;

/// <summary>Items that are the JSON values in files.</summary>
internal sealed class ValueItems : IItemSource
{
    private readonly IAsyncEnumerator<ListedFile> _files;
    private readonly Retry _retry;
    private readonly int _maxItemBytes;
    private SourcePosition _from;
    private ListedFile _file;
    private FileReader? _bytes;
    private JsonValueReader? _values;

    /// <summary>Begins to read.</summary>
    /// <param name="files">The files from the place on, as <see cref="FileLister.ListAsync"/> gives them.</param>
    /// <param name="from">The place.</param>
    /// <param name="maxItemBytes">Longer values are an error.</param>
    /// <param name="retry">How reading is tried again.</param>
    /// <param name="cancellationToken">Ends the listing.</param>
    public ValueItems(IAsyncEnumerable<ListedFile> files, SourcePosition from, int maxItemBytes, Retry retry, CancellationToken cancellationToken)
    {
        _files = files.GetAsyncEnumerator(cancellationToken);
        _from = from;
        _maxItemBytes = maxItemBytes;
        _retry = retry;
    }

    /// <inheritdoc/>
    public ReadOnlySpan<byte> Item => _values is null ? default : _values.Value;

    /// <inheritdoc/>
    public SourcePosition Position => _values is null ? _from : new(_file.Path, _file.File.Path, _file.File.Tag, _values.Offset, _values.Count);

    /// <inheritdoc/>
    public async ValueTask<bool> ReadAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            if (_values is not null && await _values.ReadAsync(cancellationToken))
            {
                return true;
            }

            await CloseAsync();
            if (!await _files.MoveNextAsync())
            {
                return false;
            }

            Open(_files.Current);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        await _files.DisposeAsync();
    }

    private void Open(ListedFile file)
    {
        // Only the first file can be the one that reading was in.
        var (offset, count) = _from is { File: { } name, Offset: { } before } && name == file.File.Path && _from.Path == file.Path ? (before, _from.Item) : (0, 0);
        _from = SourcePosition.Start;
        _file = file;
        _bytes = new FileReader(GzipFile.Unpack(file.File), offset, _retry);
        _values = new JsonValueReader(_bytes.ReadAsync, file.File.Path, _maxItemBytes, offset, count);
    }

    private async ValueTask CloseAsync()
    {
        _values?.Dispose();
        _values = null;
        if (_bytes is { } bytes)
        {
            _bytes = null;
            await bytes.DisposeAsync();
        }
    }
}
