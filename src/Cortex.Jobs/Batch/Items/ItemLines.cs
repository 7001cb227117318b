using System.Buffers;
using Cortex.Queues.Blobs;

namespace Cortex.Jobs.Batch.Items;

/// <summary>A stream of items, each compacted on a line of its own, to be read once. Begins with the source's present item.</summary>
internal sealed class ItemLines(IItemSource source) : ReadOnceStream
{
    private const int LinesAtOnce = 64 * 1024;

    private readonly ArrayBufferWriter<byte> _lines = new(LinesAtOnce);
    private int _given;
    private bool _more = true;

    /// <summary>Items that were read.</summary>
    public long Count { get; private set; }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_given == _lines.WrittenCount)
        {
            await FillAsync(cancellationToken);
        }

        var count = Math.Min(buffer.Length, _lines.WrittenCount - _given);
        _lines.WrittenMemory.Slice(_given, count).CopyTo(buffer);
        _given += count;
        return count;
    }

    private async ValueTask FillAsync(CancellationToken cancellationToken)
    {
        _lines.ResetWrittenCount();
        _given = 0;
        while (_more && _lines.WrittenCount < LinesAtOnce)
        {
            JsonCompactor.Append(source.Item, _lines);
            _lines.Write("\n"u8);
            Count++;
            _more = await source.ReadAsync(cancellationToken);
        }
    }
}
