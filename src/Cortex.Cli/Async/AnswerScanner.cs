using System.Buffers;
using System.Text.Json;

namespace Cortex.Cli.Async;

/// <summary>
/// Reads the answer about a request, <c>{"id": ..., "status": ..., "result": ..., ...}</c>, and hands the result on piece by piece,
/// as the worker sent it: it may be larger than memory.
/// </summary>
internal sealed class AnswerScanner
{
    /// <summary>Everything but the result together; more is no answer of ours.</summary>
    private const int MaxRest = 16 * 1024 * 1024;

    private const string Result = "result";

    private readonly ArrayBufferWriter<byte> _rest = new();
    private readonly ArrayBufferWriter<byte> _key = new(64);
    private int _depth;
    private bool _inString;
    private bool _escaped;
    private bool _inKey;
    private bool _isValue;
    private bool _isResult;

    /// <summary>What has been read but the result, which <c>null</c> stands for once it has ended.</summary>
    public ReadOnlyMemory<byte> Rest => _rest.WrittenMemory;

    /// <summary>Where in <see cref="Rest"/> the result was; null when there is none.</summary>
    public int? ResultAt { get; private set; }

    /// <summary>Reads to the end.</summary>
    /// <param name="answer">The body of the answer.</param>
    /// <param name="onResult">Takes each piece of the result's text.</param>
    /// <param name="cancellationToken">Stops reading.</param>
    /// <returns>The answer without its result.</returns>
    /// <exception cref="JsonException">It is not such an answer, or it broke off.</exception>
    public async Task<JsonElement> ReadAsync(Stream answer, Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask> onResult, CancellationToken cancellationToken)
    {
        var buffer = new byte[64 * 1024];
        int count;
        while ((count = await answer.ReadAsync(buffer, cancellationToken)) > 0)
        {
            var at = 0;
            while (at < count)
            {
                var (start, end) = Next(buffer.AsSpan(0, count), ref at);
                if (end > start)
                {
                    await onResult(buffer.AsMemory(start, end - start), cancellationToken);
                }
            }
        }

        return Finish();
    }

    // Goes on until a piece of the result has ended or the buffer is used up; gives that piece.
    private (int Start, int End) Next(ReadOnlySpan<byte> buffer, ref int at)
    {
        var start = at;
        while (at < buffer.Length)
        {
            var wasResult = _isResult;
            var ends = Take(buffer[at]);
            if (wasResult && ends)
            {
                _isResult = false;
                Keep("null"u8);
                Keep(buffer.Slice(at, 1));
                return (start, at++);
            }

            if (!wasResult)
            {
                Keep(buffer.Slice(at, 1));
                at++;
                if (_isResult)
                {
                    ResultAt = _rest.WrittenCount;
                    return default;
                }

                start = at;
            }
            else
            {
                at++;
            }
        }

        return _isResult ? (start, at) : default;
    }

    // Follows the structure; true when this byte ends a member of the outermost object.
    private bool Take(byte next)
    {
        if (_inString)
        {
            TakeInString(next);
            return false;
        }

        switch (next)
        {
            case (byte)'"':
                _inString = true;
                _inKey = _depth == 1 && !_isValue;
                if (_inKey)
                {
                    _key.ResetWrittenCount();
                }

                return false;
            case (byte)'{' or (byte)'[':
                _depth++;
                return false;
            case (byte)'}' or (byte)']':
                _depth--;
                _isValue &= _depth > 0;
                return _depth == 0;
            case (byte)':' when _depth == 1 && !_isValue:
                _isValue = true;
                _isResult = _key.WrittenSpan.SequenceEqual("result"u8);
                return false;
            case (byte)',' when _depth == 1:
                _isValue = false;
                return true;
            default:
                return false;
        }
    }

    private void TakeInString(byte next)
    {
        if (_escaped)
        {
            _escaped = false;
        }
        else if (next == (byte)'\\')
        {
            _escaped = true;
        }
        else if (next == (byte)'"')
        {
            (_inString, _inKey) = (false, false);
            return;
        }

        if (_inKey && _key.WrittenCount <= Result.Length)
        {
            _key.Write([next]);
        }
    }

    private void Keep(ReadOnlySpan<byte> bytes)
    {
        if (_rest.WrittenCount + bytes.Length > MaxRest)
        {
            throw new JsonException("the answer is too large");
        }

        _rest.Write(bytes);
    }

    private JsonElement Finish()
    {
        var reader = new Utf8JsonReader(_rest.WrittenSpan);
        var answer = JsonElement.ParseValue(ref reader);
        return answer.ValueKind == JsonValueKind.Object ? answer : throw new JsonException("the answer is not an object");
    }
}
