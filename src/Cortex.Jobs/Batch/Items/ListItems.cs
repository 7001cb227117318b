using Cortex.Jobs.Batch.Sources;

namespace Cortex.Jobs.Batch.Items;

/// <summary>Items that are in memory.</summary>
internal sealed class ListItems(IReadOnlyList<ReadOnlyMemory<byte>> items) : IItemSource
{
    private int _count;

    /// <inheritdoc/>
    public ReadOnlySpan<byte> Item => items[_count - 1].Span;

    /// <inheritdoc/>
    public SourcePosition Position => SourcePosition.Start with { Item = _count };

    /// <inheritdoc/>
    public ValueTask<bool> ReadAsync(CancellationToken cancellationToken)
    {
        var more = _count < items.Count;
        _count += more ? 1 : 0;
        return ValueTask.FromResult(more);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
