using Cortex.Dispatch;
using Cortex.Gateway.Replicas;

namespace Cortex.Async.Answers;

/// <summary>The body of an answer that is to be a result: bounded, and JSON to its end.</summary>
/// <param name="call">Gives it.</param>
/// <param name="maxResult">Its longest length.</param>
/// <param name="keepsBad">Whether one that is not JSON is read to its end all the same, to be kept; <see cref="Failure"/> says what is wrong with it.</param>
internal sealed class AnswerBody(ReplicaCall call, long maxResult, bool keepsBad)
{
    private readonly JsonChecker _json = new();
    private byte[] _start = [];   // what to show of an answer that fails later
    private int _kept;
    private long _length;

    /// <summary>What is wrong with a body that is read only to be kept; null while nothing is.</summary>
    public AttemptFailedException? Failure { get; private set; }

    /// <summary>How long it is said to be; null when nothing is said.</summary>
    public long? Expected => call.ContentLength;

    /// <summary>Reads on. Empty at the end, when all that was read is one JSON value. The bytes are good until the next read.</summary>
    /// <exception cref="AttemptFailedException">It is too large or not JSON.</exception>
    public ValueTask<ReadOnlyMemory<byte>> ReadAsync()
    {
        var read = call.ReadAsync();
        return read.IsCompletedSuccessfully ? ValueTask.FromResult(Check(read.Result)) : AwaitAsync(read);
    }

    /// <summary>The failure of an answer that is too large.</summary>
    public AttemptFailedException TooLarge() => Failed(
        FailureReason.AnswerTooLarge, $"the container's answer is larger than {maxResult} bytes, the API's queue.max_result", default);

    private async ValueTask<ReadOnlyMemory<byte>> AwaitAsync(ValueTask<ReadOnlyMemory<byte>> read) => Check(await read);

    private ReadOnlyMemory<byte> Check(ReadOnlyMemory<byte> run)
    {
        _length += run.Length;
        if (_length > maxResult)
        {
            throw TooLarge();
        }

        if (Failure is not null)
        {
            return run;
        }

        if (run.IsEmpty)
        {
            return _json.IsWhole ? run : Refuse(_json.ProblemOfEnd(), run, call.EndsWithConnection);
        }

        if (!_json.Read(run.Span))
        {
            return Refuse(_json.Problem, run, mayBeCut: false);
        }

        if (_kept < AnswerStart.Limit && !(_length == call.ContentLength && _json.IsWhole))
        {
            Keep(run.Span);
        }

        return run;
    }

    private ReadOnlyMemory<byte> Refuse(string problem, ReadOnlyMemory<byte> run, bool mayBeCut)
    {
        Failure = Failed(FailureReason.NotJson, $"the container's answer is not one JSON value: {problem}", run.Span, mayBeCut);
        return keepsBad ? run : throw Failure;
    }

    private AttemptFailedException Failed(string reason, string message, ReadOnlySpan<byte> run, bool mayBeCut = false)
    {
        Keep(run);
        return new AttemptFailedException(reason, message, call.Status, AnswerStart.Show(_start.AsSpan(0, _kept))) { MayBeCut = mayBeCut };
    }

    private void Keep(ReadOnlySpan<byte> run)
    {
        if (_start.Length == 0)
        {
            _start = new byte[AnswerStart.Limit];
        }

        run = run[..Math.Min(run.Length, _start.Length - _kept)];
        run.CopyTo(_start.AsSpan(_kept));
        _kept += run.Length;
    }
}
