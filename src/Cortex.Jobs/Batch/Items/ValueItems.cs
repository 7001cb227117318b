using Cortex.Core.Errors;
using Cortex.Jobs.Batch.Sources;

namespace Cortex.Jobs.Batch.Items;

/// <summary>Items that are the JSON values in files.</summary>
internal sealed class ValueItems : IItemSource
{
    private readonly IAsyncEnumerator<ListedFile> _files;
    private readonly Retry _retry;
    private readonly int _maxItemBytes;
    private readonly long _maxBytes;
    private long _bytesRead;
    private SourcePosition _from;
    private ListedFile _file;
    private FileReader? _bytes;
    private JsonValueReader? _values;

    /// <summary>Begins to read.</summary>
    /// <param name="files">The files from the place on, as <see cref="FileLister.ListAsync"/> gives them.</param>
    /// <param name="from">The place.</param>
    /// <param name="maxItemBytes">Longer values are an error.</param>
    /// <param name="maxBytes">More bytes of all files together are an error; what is packed counts as what it becomes.</param>
    /// <param name="retry">How reading is tried again.</param>
    /// <param name="cancellationToken">Ends the listing.</param>
    public ValueItems(IAsyncEnumerable<ListedFile> files, SourcePosition from, int maxItemBytes, long maxBytes, Retry retry, CancellationToken cancellationToken)
    {
        _files = files.GetAsyncEnumerator(cancellationToken);
        _from = from;
        _maxItemBytes = maxItemBytes;
        _maxBytes = maxBytes;
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
        _values = new JsonValueReader(ReadBytesAsync, file.File.Path, _maxItemBytes, offset, count);
    }

    private async ValueTask<int> ReadBytesAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        var count = await _bytes!.ReadAsync(buffer, cancellationToken);
        _bytesRead += count;
        return _bytesRead <= _maxBytes ? count : throw new CortexException(
            BatchErrorKinds.SourceSize, $"the files of the job are larger than {_maxBytes} bytes, unpacked: that is the limit of jobs.max_source_size in the cluster configuration; it was reached in {_file.File.Path}");
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
