using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Http.Features;

namespace Cortex.Gateway.Shadowing;

/// <summary>A request's body as its reader sees it, of which a copy takes what has been read.</summary>
internal sealed class ShadowTee(PipeReader body, ShadowCopy copy) : PipeReader, IRequestBodyPipeFeature
{
    private ReadOnlySequence<byte> _read;
    private bool _isLast;

    PipeReader IRequestBodyPipeFeature.Reader => this;

    public override bool TryRead(out ReadResult result)
    {
        if (!body.TryRead(out result))
        {
            return false;
        }

        Remember(result);
        return true;
    }

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        var reading = body.ReadAsync(cancellationToken);
        if (!reading.IsCompletedSuccessfully)
        {
            return AwaitAsync(reading);
        }

        var result = reading.Result;
        Remember(result);
        return ValueTask.FromResult(result);
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        // Copied before the reader's memory is given back.
        copy.Append(_read.Slice(0, consumed), _isLast && _read.Slice(consumed).IsEmpty);
        _read = default;
        body.AdvanceTo(consumed, examined);
    }

    public override void CancelPendingRead() => body.CancelPendingRead();

    public override void Complete(Exception? exception = null) => body.Complete(exception);

    private async ValueTask<ReadResult> AwaitAsync(ValueTask<ReadResult> reading)
    {
        var result = await reading;
        Remember(result);
        return result;
    }

    private void Remember(ReadResult result) => (_read, _isLast) = (result.Buffer, result.IsCompleted);
}
