namespace Cortex.Gateway.Replicas;

/// <summary>
/// Finds the payload in a chunked body, byte run by byte run. Holds no bytes apart from trailers. Lines may end with LF alone,
/// as those of an answer's head may.
/// </summary>
internal struct ChunkedDecoder
{
    private const int MaxLineLength = 4096;   // of a size line with its extensions
    private const int MaxTrailerBytes = 16 * 1024;
    private State _state;
    private long _left;
    private int _line;
    private bool _hasDigits;
    private List<byte>? _trailers;

    private enum State
    {
        Size,
        Extension,
        SizeLineFeed,
        Data,
        DataReturn,
        DataLineFeed,
        TrailerStart,
        Trailer,
        TrailerLineFeed,
        LastLineFeed,
        Done,
    }

    /// <summary>Whether the body's end was read.</summary>
    public readonly bool IsDone => _state == State.Done;

    /// <summary>The trailer lines, each ended by CR LF; empty when there are none.</summary>
    public readonly ReadOnlySpan<byte> Trailers =>
        _trailers is null ? [] : System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_trailers);

    /// <summary>Reads up to and including the next run of payload.</summary>
    /// <param name="input">Unread bytes of the body.</param>
    /// <param name="consumed">How many of them were used; all, unless payload or the end was found.</param>
    /// <returns>The run; empty when there is none in <paramref name="input"/>.</returns>
    /// <exception cref="BadUpstreamAnswerException">The framing is malformed.</exception>
    public ReadOnlySpan<byte> Next(ReadOnlySpan<byte> input, out int consumed)
    {
        consumed = 0;
        while (consumed < input.Length && _state != State.Done)
        {
            if (_state == State.Data)
            {
                var run = input.Slice(consumed, (int)Math.Min(_left, input.Length - consumed));
                consumed += run.Length;
                _left -= run.Length;
                _state = _left == 0 ? State.DataReturn : State.Data;
                return run;
            }

            Step(input[consumed++]);
        }

        return [];
    }

    private void Step(byte b)
    {
        switch (_state)
        {
            case State.Size:
                StepSize(b);
                break;
            case State.Extension:
                CountLine();
                EndSizeLine(b, otherwise: State.Extension);
                break;
            case State.SizeLineFeed:
                Expect(b, '\n');
                EndSizeLine(b, otherwise: State.Size);
                break;
            case State.DataReturn when b == '\r':
                _state = State.DataLineFeed;
                break;
            case State.DataReturn:
            case State.DataLineFeed:
                Expect(b, '\n');
                _state = State.Size;
                break;
            case State.TrailerStart or State.LastLineFeed when b == '\n':
                _state = State.Done;
                break;
            case State.TrailerStart when b == '\r':
                _state = State.LastLineFeed;
                break;
            case State.LastLineFeed:
                throw Malformed();
            case State.TrailerStart or State.Trailer when b is not ((byte)'\r' or (byte)'\n'):
                KeepTrailer(b);
                _state = State.Trailer;
                break;
            case State.Trailer when b == '\r':
                _state = State.TrailerLineFeed;
                break;
            case State.Trailer or State.TrailerLineFeed:
                Expect(b, '\n');
                KeepTrailer((byte)'\r');
                KeepTrailer((byte)'\n');
                _state = State.TrailerStart;
                break;
        }
    }

    private void StepSize(byte b)
    {
        CountLine();
        var digit = char.IsAsciiDigit((char)b) ? b - '0' : char.IsAsciiHexDigit((char)b) ? (b | 0x20) - 'a' + 10 : -1;
        if (digit >= 0)
        {
            if (_left > long.MaxValue >> 4)
            {
                throw Malformed();
            }

            _left = (_left << 4) | (uint)digit;
            _hasDigits = true;
            return;
        }

        if (!_hasDigits)
        {
            throw Malformed();
        }

        if (b is not ((byte)'\r' or (byte)'\n' or (byte)';' or (byte)' ' or (byte)'\t'))
        {
            throw Malformed();
        }

        EndSizeLine(b, otherwise: State.Extension);
    }

    /// <summary>Goes on behind a size line if a byte ends it.</summary>
    private void EndSizeLine(byte b, State otherwise)
    {
        if (b != '\n')
        {
            _state = b == '\r' ? State.SizeLineFeed : otherwise;
            return;
        }

        (_line, _hasDigits) = (0, false);
        _state = _left == 0 ? State.TrailerStart : State.Data;
    }

    private void CountLine()
    {
        if (++_line > MaxLineLength)
        {
            throw Malformed();
        }
    }

    private void KeepTrailer(byte b)
    {
        _trailers ??= [];
        if (_trailers.Count >= MaxTrailerBytes)
        {
            throw Malformed();
        }

        _trailers.Add(b);
    }

    private static void Expect(byte b, char wanted)
    {
        if (b != wanted)
        {
            throw Malformed();
        }
    }

    private static BadUpstreamAnswerException Malformed() => new("the answer's chunked framing is malformed");
}
