using Cortex.Core.Errors;
using Cortex.Jobs.Batch.Sources;

namespace Cortex.Jobs.Batch.Items;

/// <summary>Items that a client sends.</summary>
internal sealed class StreamItems : IItemSource
{
    private readonly JsonValueReader _values;
    private readonly Stream _body;
    private readonly long _maxBytes;
    private readonly BatchLimits _limits;
    private long _bytes;

    /// <summary>Begins to read; the stream stays its owner's.</summary>
    public StreamItems(Stream body, BatchLimits limits)
    {
        _body = body;
        _limits = limits;
        _maxBytes = limits.MaxStreamedBodyBytes;
        _values = new JsonValueReader(ReadBytesAsync, "the request body", limits.MaxItemBytes);
    }

    /// <inheritdoc/>
    public ReadOnlySpan<byte> Item => _values.Value;

    /// <inheritdoc/>
    public SourcePosition Position => new(0, null, null, _values.Offset, _values.Count);

    /// <inheritdoc/>
    public async ValueTask<bool> ReadAsync(CancellationToken cancellationToken) =>
        await _values.ReadAsync(cancellationToken) && (_values.Count <= _limits.MaxItems ? true : throw _limits.TooManyItems());

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _values.Dispose();
        return ValueTask.CompletedTask;
    }

    private async ValueTask<int> ReadBytesAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        var count = await _body.ReadAsync(buffer, cancellationToken);
        _bytes += count;
        return _bytes <= _maxBytes
            ? count
            : throw new CortexException(BatchErrorKinds.Other, $"request body too large: the limit is {_maxBytes} bytes");
    }
}
