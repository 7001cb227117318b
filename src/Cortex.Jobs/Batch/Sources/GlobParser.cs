using System.Text;

namespace Cortex.Jobs.Batch.Sources;

/// <summary>Turns the text of a pattern into its steps.</summary>
internal sealed class GlobParser(string pattern)
{
    private readonly List<GlobStep> _steps = [];
    private readonly Rune[] _runes = [.. pattern.EnumerateRunes()];
    private int _at;

    /// <summary>The steps; the last one is the end.</summary>
    /// <exception cref="FormatException">It is no pattern.</exception>
    public IReadOnlyList<GlobStep> Parse()
    {
        if (pattern.Length > Glob.MaxLength)
        {
            throw new FormatException($"it has {pattern.Length} characters; at most {Glob.MaxLength} are allowed");
        }

        ReadSequence(depth: 0);
        _steps.Add(new EndStep());
        return _steps;
    }

    // Up to the end, or to the comma or brace that ends an alternative.
    private void ReadSequence(int depth)
    {
        while (_at < _runes.Length)
        {
            var start = _at;
            var rune = _runes[_at++];
            switch (rune.Value)
            {
                case ',' or '}' when depth > 0:
                    _at--;
                    return;
                case '*':
                    ReadStars();
                    break;
                case '?':
                    _steps.Add(new AnyStep(slashToo: false));
                    break;
                case '[':
                    ReadClass(start);
                    break;
                case '{':
                    ReadAlternatives(start, depth + 1);
                    break;
                case '\\':
                    _steps.Add(new LiteralStep(ReadEscaped(start)));
                    break;
                default:
                    _steps.Add(new LiteralStep(rune));
                    break;
            }
        }
    }

    private void ReadStars()
    {
        var deep = false;
        for (; _at < _runes.Length && _runes[_at].Value == '*'; _at++)
        {
            deep = true;
        }

        var loop = _steps.Count;
        _steps.Add(new JumpStep(loop + 1, loop + 3));
        _steps.Add(new AnyStep(deep));
        _steps.Add(new JumpStep(loop));
    }

    private void ReadAlternatives(int start, int depth)
    {
        var fork = _steps.Count;
        List<int> starts = [];
        List<int> ends = [];
        _steps.Add(new EndStep());   // replaced when the alternatives are known
        do
        {
            starts.Add(_steps.Count);
            ReadSequence(depth);
            ends.Add(_steps.Count);
            _steps.Add(new EndStep());   // replaced likewise
            if (_at == _runes.Length)
            {
                throw Error(start, "'{' is never closed");
            }
        }
        while (_runes[_at++].Value == ',');

        _steps[fork] = new JumpStep([.. starts]);
        foreach (var end in ends)
        {
            _steps[end] = new JumpStep(_steps.Count);
        }
    }

    private void ReadClass(int start)
    {
        List<(Rune, Rune)> ranges = [];
        var negated = Next(start).Value == '!';
        if (negated)
        {
            _at++;
        }

        while (Next(start).Value != ']')
        {
            var first = ReadMember(start);
            var last = first;
            if (Next(start).Value == '-' && _at + 1 < _runes.Length && _runes[_at + 1].Value != ']')
            {
                _at++;
                last = ReadMember(start);
            }

            if (last < first)
            {
                throw Error(start, $"the range {first}-{last} goes backwards");
            }

            ranges.Add((first, last));
        }

        _at++;
        if (ranges.Count == 0)
        {
            throw Error(start, "'[' and ']' have nothing between them");
        }

        _steps.Add(new ClassStep(ranges, negated));
    }

    private Rune ReadMember(int start)
    {
        var rune = Next(start);
        _at++;
        return rune.Value == '\\' ? ReadEscaped(_at - 1) : rune;
    }

    private Rune Next(int start) => _at < _runes.Length ? _runes[_at] : throw Error(start, "'[' is never closed");

    private Rune ReadEscaped(int start) => _at < _runes.Length ? _runes[_at++] : throw Error(start, @"'\' is followed by nothing");

    private static FormatException Error(int at, string what) => new($"{what} (at character {at + 1})");
}
