using System.Text.Json;
using Cortex.Jobs.Batch.Sources;
using Cortex.Queues;

namespace Cortex.Jobs.Batch.Items;

/// <summary>The items of batches that were given up, batch after batch.</summary>
/// <param name="batches">The batches.</param>
/// <param name="read">Reads one: a JSON array of its items.</param>
internal sealed class DeadItems(IReadOnlyList<MessageId> batches, Func<MessageId, CancellationToken, Task<ReadOnlyMemory<byte>>> read) : IItemSource
{
    private readonly List<Range> _items = [];
    private ReadOnlyMemory<byte> _batch;
    private int _batchesRead;
    private int _item = -1;
    private long _count;

    /// <inheritdoc/>
    public ReadOnlySpan<byte> Item => _batch.Span[_items[_item]];

    /// <inheritdoc/>
    public SourcePosition Position => SourcePosition.Start with { Item = _count };

    /// <inheritdoc/>
    public async ValueTask<bool> ReadAsync(CancellationToken cancellationToken)
    {
        while (_item + 1 >= _items.Count)
        {
            if (_batchesRead == batches.Count)
            {
                return false;
            }

            _batch = await read(batches[_batchesRead++], cancellationToken);
            _item = -1;
            FindItems();
        }

        _item++;
        _count++;
        return true;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private void FindItems()
    {
        _items.Clear();
        var json = new Utf8JsonReader(_batch.Span, new JsonReaderOptions { MaxDepth = JsonValueReader.MaxDepth + 1 });
        json.Read();
        while (json.Read() && json.TokenType != JsonTokenType.EndArray)
        {
            var start = (int)json.TokenStartIndex;
            json.Skip();
            _items.Add(start..(int)json.BytesConsumed);
        }
    }
}
