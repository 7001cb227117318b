using System.Buffers;

namespace Cortex.Async.Answers;

/// <summary>
/// Says whether bytes that arrive piece by piece are one JSON value in UTF-8 (RFC 8259) and nothing else. Holds no bytes, however
/// long a string is, which a reader of tokens would have to.
/// </summary>
internal sealed class JsonChecker
{
    /// <summary>Deepest nesting of arrays and objects.</summary>
    public const int MaxDepth = 1000;

    private const byte Space = (byte)' ';
    private static readonly SearchValues<byte> StringStops = SearchValues.Create([.. Enumerable.Range(0, 32).Select(static b => (byte)b), (byte)'"', (byte)'\\']);
    private ulong[] _objects = new ulong[1];   // a bit per level: whether it is an object
    private int _depth;
    private State _state = State.Value;
    private bool _isName;
    private string _literal = "";
    private int _place;
    private int _continuation;
    private byte _lead;
    private int _low;
    private int _high;
    private long _before;   // bytes of the runs before this one, and the lines that they ended
    private long _lines;
    private string _problem = "";

    private enum State
    {
        Value,
        ValueOrEnd,
        Name,
        NameOrEnd,
        Colon,
        CommaOrEnd,
        String,
        Escape,
        Hex,
        Literal,
        Minus,
        Zero,
        Integer,
        Point,
        Fraction,
        Exponent,
        ExponentSign,
        ExponentDigits,
        Done,
        Bad,
    }

    /// <summary>Whether what was read so far is a whole value.</summary>
    public bool IsWhole => _state == State.Done || (_depth == 0 && EndsNumber(_state));

    /// <summary>What is wrong, once <see cref="Read"/> was false: the byte and the line, both counted from 1, and the reason.</summary>
    public string Problem => _problem;

    /// <summary>Reads on. False when the bytes read so far do not begin any JSON text.</summary>
    public bool Read(ReadOnlySpan<byte> bytes)
    {
        for (var i = 0; i < bytes.Length; i++)
        {
            if (_state == State.String)
            {
                var length = bytes[i..].IndexOfAny(StringStops);
                var run = length < 0 ? bytes[i..] : bytes.Slice(i, length);
                var read = ReadText(run);
                i += read;
                if (read < run.Length)
                {
                    return Fail(bytes, i, _state);
                }

                if (i == bytes.Length)
                {
                    break;
                }
            }

            var before = _state;
            _state = Step(bytes[i]);
            if (_state == State.Bad)
            {
                return Fail(bytes, i, before);
            }
        }

        _before += bytes.Length;
        _lines += bytes.Count((byte)'\n');
        return true;
    }

    /// <summary>What is wrong with a text that ends here.</summary>
    public string ProblemOfEnd() => _before == 0 ? "it is empty" : $"it ends within a value, behind byte {_before}, line {_lines + 1}";

    private static bool EndsNumber(State state) => state is State.Zero or State.Integer or State.Fraction or State.ExponentDigits;

    private bool Fail(ReadOnlySpan<byte> bytes, int at, State before)
    {
        _state = State.Bad;
        var line = _lines + bytes[..at].Count((byte)'\n') + 1;
        _problem = $"byte {_before + at + 1}, line {line}: {Reason(before, bytes[at], _before + at)}";
        return false;
    }

    private string Reason(State state, byte b, long at) => state switch
    {
        _ when at == 0 && b == 0xEF => "it begins with a byte order mark; send UTF-8 without one",
        _ when at == 0 && b is 0xFE or 0xFF => "it is encoded as UTF-16 or UTF-32; send UTF-8",
        _ when b == 0 && at < 4 => "it is encoded as UTF-16 or UTF-32; send UTF-8",
        State.String when b >= 0x80 || _continuation > 0 => $"a string is not UTF-8 (0x{(_continuation > 0 ? _lead : b):X2}), but perhaps Latin-1 or Windows-1252",
        State.String => $"a control character (0x{b:X2}) stands in a string without an escape",
        State.Escape or State.Hex => "a backslash in a string begins no escape that JSON has",
        State.Done => $"{Shown(b)} follows the value",
        State.Value or State.ValueOrEnd when b is (byte)'{' or (byte)'[' => $"it is nested deeper than {MaxDepth}",
        State.Value or State.ValueOrEnd => $"{Shown(b)} begins no value",
        State.Name or State.NameOrEnd => $"{Shown(b)} stands where a name in double quotes belongs",
        State.Colon => $"{Shown(b)} stands where the colon behind a name belongs",
        State.CommaOrEnd => $"{Shown(b)} stands where a comma or the end of {(InObject ? "an object" : "an array")} belongs",
        State.Literal => $"a word begins as {_literal} does, but goes on with {Shown(b)}",
        _ when EndsNumber(state) => _depth == 0 ? $"{Shown(b)} follows the value" : $"{Shown(b)} stands where a comma or the end of {(InObject ? "an object" : "an array")} belongs",
        _ => $"{Shown(b)} stands within a number",
    };

    private static string Shown(byte b) => b is > Space and < 0x7F ? $"'{(char)b}'" : $"0x{b:X2}";

    private State Step(byte b)
    {
        switch (_state)
        {
            case State.String:
                return _continuation > 0 ? State.Bad : b switch
                {
                    (byte)'"' => _isName ? State.Colon : Ended(),
                    (byte)'\\' => State.Escape,
                    _ => State.Bad,
                };
            case State.Escape:
                _place = 0;
                return b == 'u' ? State.Hex : "\"\\/bfnrt"u8.Contains(b) ? State.String : State.Bad;
            case State.Hex:
                return !char.IsAsciiHexDigit((char)b) ? State.Bad : ++_place == 4 ? State.String : State.Hex;
            case State.Literal:
                return b != _literal[_place] ? State.Bad : ++_place == _literal.Length ? Ended() : State.Literal;
            case >= State.Minus and <= State.ExponentDigits:
                return StepNumber(b);
            default:
                return b is Space or (byte)'\n' or (byte)'\r' or (byte)'\t' ? _state : StepStructure(b);
        }
    }

    private State StepStructure(byte b) => (_state, b) switch
    {
        (State.ValueOrEnd, (byte)']') => Close(),
        (State.Value or State.ValueOrEnd, _) => Begin(b),
        (State.NameOrEnd, (byte)'}') => Close(),
        (State.Name or State.NameOrEnd, (byte)'"') => Text(isName: true),
        (State.Colon, (byte)':') => State.Value,
        (State.CommaOrEnd, (byte)',') => InObject ? State.Name : State.Value,
        (State.CommaOrEnd, (byte)'}') when InObject => Close(),
        (State.CommaOrEnd, (byte)']') when !InObject => Close(),
        _ => State.Bad,
    };

    private State Begin(byte b) => b switch
    {
        (byte)'{' => Open(isObject: true),
        (byte)'[' => Open(isObject: false),
        (byte)'"' => Text(isName: false),
        (byte)'t' => Word("true"),
        (byte)'f' => Word("false"),
        (byte)'n' => Word("null"),
        (byte)'-' => State.Minus,
        (byte)'0' => State.Zero,
        >= (byte)'1' and <= (byte)'9' => State.Integer,
        _ => State.Bad,
    };

    private State StepNumber(byte b)
    {
        var isDigit = char.IsAsciiDigit((char)b);
        switch (_state)
        {
            case State.Minus when isDigit:
                return b == '0' ? State.Zero : State.Integer;
            case State.Integer or State.Fraction or State.ExponentDigits when isDigit:
                return _state;
            case State.Point when isDigit:
                return State.Fraction;
            case State.Exponent when b is (byte)'+' or (byte)'-':
                return State.ExponentSign;
            case State.Exponent or State.ExponentSign when isDigit:
                return State.ExponentDigits;
            case State.Zero or State.Integer when b == '.':
                return State.Point;
            case State.Zero or State.Integer or State.Fraction when b is (byte)'e' or (byte)'E':
                return State.Exponent;
            case var state when EndsNumber(state):
                _state = Ended();
                return Step(b);
            default:
                return State.Bad;
        }
    }

    private bool InObject => (_objects[(_depth - 1) / 64] >> ((_depth - 1) % 64) & 1) != 0;

    private State Text(bool isName)
    {
        _isName = isName;
        return State.String;
    }

    private State Word(string literal)
    {
        (_literal, _place) = (literal, 1);
        return State.Literal;
    }

    private State Open(bool isObject)
    {
        if (_depth == MaxDepth)
        {
            return State.Bad;
        }

        if (_depth / 64 == _objects.Length)
        {
            Array.Resize(ref _objects, _objects.Length * 2);
        }

        var bit = 1UL << (_depth % 64);
        ref var word = ref _objects[_depth / 64];
        word = isObject ? word | bit : word & ~bit;
        _depth++;
        return isObject ? State.NameOrEnd : State.ValueOrEnd;
    }

    private State Close()
    {
        _depth--;
        return Ended();
    }

    private State Ended() => _depth == 0 ? State.Done : State.CommaOrEnd;

    /// <summary>Checks the UTF-8 of a part of a string; a character may go on in the next part. Returns how many bytes are right.</summary>
    private int ReadText(ReadOnlySpan<byte> text)
    {
        var at = 0;
        while (true)
        {
            if (_continuation == 0)
            {
                var next = text[at..].IndexOfAnyInRange((byte)0x80, (byte)0xFF);
                if (next < 0)
                {
                    return text.Length;
                }

                at += next;
                if (!BeginCharacter(text[at]))
                {
                    return at;
                }

                at++;
            }

            for (; _continuation > 0; _continuation--)
            {
                if (at == text.Length)
                {
                    return at;
                }

                if (text[at] < _low || text[at] > _high)
                {
                    return at;
                }

                (_low, _high) = (0x80, 0xBF);
                at++;
            }
        }
    }

    // RFC 3629, section 4: neither overlong forms, nor surrogates, nor code points beyond 10FFFF.
    private bool BeginCharacter(byte b)
    {
        _lead = b;
        (_low, _high) = b switch { 0xE0 => (0xA0, 0xBF), 0xED => (0x80, 0x9F), 0xF0 => (0x90, 0xBF), 0xF4 => (0x80, 0x8F), _ => (0x80, 0xBF) };
        _continuation = b switch { >= 0xC2 and <= 0xDF => 1, >= 0xE0 and <= 0xEF => 2, >= 0xF0 and <= 0xF4 => 3, _ => 0 };
        return _continuation > 0;
    }
}
