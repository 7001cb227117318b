using Cortex.Core.Errors;
using Cortex.Jobs.Batch.Sources;

namespace Cortex.Jobs.Batch.Items;

/// <summary>The items of a job, one after the other.</summary>
internal interface IItemSource : IAsyncDisposable
{
    /// <summary>Reads the next item; false after the last.</summary>
    /// <exception cref="CortexException">It can't be read.</exception>
    ValueTask<bool> ReadAsync(CancellationToken cancellationToken);

    /// <summary>The item that was read last: one valid JSON value. Gone with the next read.</summary>
    ReadOnlySpan<byte> Item { get; }

    /// <summary>The place just after <see cref="Item"/>.</summary>
    SourcePosition Position { get; }
}
