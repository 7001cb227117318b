using Cortex.Gateway.Calling;

namespace Cortex.Async.Dispatch;

/// <summary>The body of an answer that is to be a result: bounded, and JSON to its end.</summary>
internal sealed class AnswerBody(ReplicaCall call, long maxResult)
{
    private readonly JsonChecker _json = new();
    private byte[] _start = [];   // what to show of an answer that fails later
    private int _kept;
    private long _length;

    /// <summary>Reads on. Empty at the end, when all that was read is one JSON value. The bytes are good until the next read.</summary>
    /// <exception cref="AttemptFailedException">It is too large or not JSON.</exception>
    public ValueTask<ReadOnlyMemory<byte>> ReadAsync()
    {
        var read = call.ReadAsync();
        return read.IsCompletedSuccessfully ? ValueTask.FromResult(Check(read.Result)) : AwaitAsync(read);
    }

    /// <summary>The failure of an answer that is too large.</summary>
    public AttemptFailedException TooLarge() => Failure(
        FailureReason.AnswerTooLarge, $"the container's answer is larger than {maxResult} bytes, the API's queue.max_result", default);

    private async ValueTask<ReadOnlyMemory<byte>> AwaitAsync(ValueTask<ReadOnlyMemory<byte>> read) => Check(await read);

    private ReadOnlyMemory<byte> Check(ReadOnlyMemory<byte> run)
    {
        var before = _length;
        _length += run.Length;
        if (_length > maxResult)
        {
            throw TooLarge();
        }

        if (run.IsEmpty)
        {
            return _json.IsWhole ? run : throw NotJson(_length == 0 ? "is empty" : "ends within a value", run.Span, call.EndsWithConnection);
        }

        if (!_json.Read(run.Span))
        {
            throw NotJson($"has something else within bytes {before} to {_length - 1}", run.Span);
        }

        if (_kept < AnswerReader.ShownAnswer && !(_length == call.ContentLength && _json.IsWhole))
        {
            Keep(run.Span);
        }

        return run;
    }

    private AttemptFailedException NotJson(string what, ReadOnlySpan<byte> run, bool mayBeCut = false) =>
        Failure(FailureReason.NotJson, $"the container's answer is not one JSON value: it {what}", run, mayBeCut);

    private AttemptFailedException Failure(string reason, string message, ReadOnlySpan<byte> run, bool mayBeCut = false)
    {
        Keep(run);
        return new AttemptFailedException(reason, message, call.Status, AnswerReader.Show(_start.AsSpan(0, _kept))) { MayBeCut = mayBeCut };
    }

    private void Keep(ReadOnlySpan<byte> run)
    {
        if (_start.Length == 0)
        {
            _start = new byte[AnswerReader.ShownAnswer];
        }

        run = run[..Math.Min(run.Length, _start.Length - _kept)];
        run.CopyTo(_start.AsSpan(_kept));
        _kept += run.Length;
    }
}
