using System.Buffers;
using Cortex.Core.Errors;
using Cortex.Jobs.Batch.Items;

namespace Cortex.Jobs.Batch.Enqueuing;

/// <summary>Gathers items into batches: JSON arrays without whitespace.</summary>
internal sealed class BatchBuilder(int batchSize, int maxBatchBytes)
{
    private readonly ArrayBufferWriter<byte> _body = new();

    /// <summary>Items in the batch that is being built.</summary>
    public int Count { get; private set; }

    /// <summary>Whether no item more may be added.</summary>
    public bool IsFull => Count == batchSize;

    /// <summary>Adds an item.</summary>
    /// <param name="item">A valid JSON value.</param>
    /// <param name="index">Its number in the whole job, for the error message.</param>
    /// <exception cref="CortexException">The batch is larger than a batch may be.</exception>
    public void Add(ReadOnlySpan<byte> item, long index)
    {
        _body.Write(Count == 0 ? "["u8 : ","u8);
        JsonCompactor.Append(item, _body);
        Count++;
        if (_body.WrittenCount + 1 > maxBatchBytes)
        {
            throw new CortexException(
                BatchErrorKinds.MessageSize,
                $"the batch of items {index - Count + 1} to {index} has more bytes than the limit of {maxBatchBytes}{(batchSize > 1 ? "; use a smaller batch_size" : "")}");
        }
    }

    /// <summary>The batch; the next one begins.</summary>
    public byte[] Take()
    {
        _body.Write("]"u8);
        var batch = _body.WrittenSpan.ToArray();
        _body.ResetWrittenCount();
        Count = 0;
        return batch;
    }
}
