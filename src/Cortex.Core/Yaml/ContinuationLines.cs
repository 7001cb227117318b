using System.Text;

namespace Cortex.Core.Yaml;

/// <summary>
/// Indents the further lines of flow lists, flow maps and double-quoted scalars, whose indentation means nothing in YAML. The library refuses such a
/// line when it begins at or before the map or list around it, which go-yaml takes.
/// </summary>
/// <remarks>Follows the text just closely enough to know what a line begins in. It is asked only about texts that were refused, and answers none that it need not change.</remarks>
internal sealed class ContinuationLines
{
    // Spaces that may be added to one text: a long first line with many short ones after it is not worth more.
    private const int MostAdded = YamlLimits.Bytes;

    private readonly string _text;
    private readonly StringBuilder _result = new();
    private readonly Dictionary<int, int> _added = [];
    private int _at;
    private int _line = 1;
    private int _lineStart;
    private int _copied;
    private int _total;

    // Where the outermost flow list or map begins, and how many are open.
    private int _flowColumn;
    private int _flowDepth;

    // The column of the map or list that the present line is part of; further lines of a scalar stand right of it.
    private int _parent = -1;

    private ContinuationLines(string text) => _text = text;

    /// <summary>The text with further lines indented, and how far by line; null when no line needs it, or too much would be added.</summary>
    public static (string Text, IReadOnlyDictionary<int, int> Added)? Indent(string text)
    {
        var lines = new ContinuationLines(text);
        lines.Read();
        if (lines._added.Count == 0 || lines._total > MostAdded)
        {
            return null;
        }

        lines._result.Append(text, lines._copied, text.Length - lines._copied);
        return (lines._result.ToString(), lines._added);
    }

    private int Column => _at - _lineStart;

    private char Current => _at < _text.Length ? _text[_at] : '\0';

    private char Next => _at + 1 < _text.Length ? _text[_at + 1] : '\0';

    private bool IsAtEnd => _at >= _text.Length || _total > MostAdded;

    private bool IsInFlow => _flowDepth > 0;

    private void Read()
    {
        var mayBeginScalar = true;
        while (!IsAtEnd)
        {
            switch (Current)
            {
                case '\n' or '\r':
                    NextLine(IsInFlow ? _flowColumn : 0);
                    mayBeginScalar = true;
                    _parent = IsInFlow ? _parent : -1;
                    break;
                case ' ' or '\t':
                    _at++;
                    break;
                case '#' when _at == 0 || IsBlank(_text[_at - 1]):
                    SkipLine();
                    break;
                case '[' or '{' when mayBeginScalar || IsInFlow:
                    _flowColumn = IsInFlow ? _flowColumn : Column;
                    _flowDepth++;
                    _at++;
                    mayBeginScalar = true;
                    break;
                case ']' or '}' when IsInFlow:
                    _flowDepth--;
                    _at++;
                    mayBeginScalar = false;
                    break;
                case ',' when IsInFlow:
                    _at++;
                    mayBeginScalar = true;
                    break;
                case ':' when IsInFlow || IsBlank(Next):
                    _at++;
                    mayBeginScalar = true;
                    break;
                case '"' or '\'' when mayBeginScalar:
                    BeginKey();
                    SkipQuoted(Current);
                    mayBeginScalar = false;
                    break;
                case '-' or '?' when mayBeginScalar && !IsInFlow && IsBlank(Next):
                    _parent = Column;
                    _at++;
                    break;
                case '&' or '!' when mayBeginScalar:
                    SkipWord();
                    break;
                case '|' or '>' when mayBeginScalar && !IsInFlow:
                    SkipLine();
                    SkipLinesRightOf(_parent);
                    break;
                default:
                    BeginKey();
                    SkipPlain();
                    mayBeginScalar = false;
                    break;
            }
        }
    }

    // The first scalar of a line may be a key, and then what follows belongs to the map at its column.
    private void BeginKey()
    {
        if (!IsInFlow && _text.AsSpan(_lineStart, Column).IndexOfAnyExcept(" -?") < 0)
        {
            _parent = Column;
        }
    }

    private void SkipQuoted(char quote)
    {
        var column = IsInFlow ? _flowColumn : Column;
        for (_at++; !IsAtEnd; )
        {
            if (Current is '\n' or '\r')
            {
                NextLine(column);
            }
            else if (Current == quote && !(quote == '\'' && Next == quote))
            {
                _at++;
                return;
            }
            else
            {
                // An escape takes the next character with it, but not the end of a line, which has to be counted.
                _at += (Current == '\\' && quote == '"' && Next is not ('\n' or '\r')) || Current == quote ? 2 : 1;
            }
        }
    }

    // A plain scalar ends where a value or a comment begins; in flow also at an indicator. Outside of it goes on in lines further right.
    private void SkipPlain()
    {
        var isValue = _parent >= 0 && _parent < Column;
        while (!IsAtEnd && Current is not ('\n' or '\r'))
        {
            if ((Current == ':' && (IsBlank(Next) || (IsInFlow && Next is ',' or '[' or ']' or '{' or '}')))
                || (IsInFlow && Current is ',' or '[' or ']' or '{' or '}')
                || (Current == '#' && IsBlank(_text[_at - 1])))
            {
                return;
            }

            _at++;
        }

        if (isValue && !IsInFlow)
        {
            SkipLinesRightOf(_parent);
        }
    }

    private void SkipLinesRightOf(int column)
    {
        while (!IsAtEnd)
        {
            var (at, line, lineStart) = (_at, _line, _lineStart);
            NextLine(0);
            while (Current == ' ')
            {
                _at++;
            }

            if (Current is not ('\n' or '\r') && Column <= column)
            {
                (_at, _line, _lineStart) = (at, line, lineStart);
                return;
            }

            SkipLine();
        }
    }

    private void SkipLine()
    {
        while (!IsAtEnd && Current is not ('\n' or '\r'))
        {
            _at++;
        }
    }

    private void SkipWord()
    {
        while (!IsAtEnd && !IsBlank(Current))
        {
            _at++;
        }
    }

    // Goes to the next line, and moves what stands there right to a column. The mark of a document's end stays where it is.
    private void NextLine(int column)
    {
        _at += Current == '\r' && Next == '\n' ? 2 : 1;
        _line++;
        _lineStart = _at;
        var rest = _text.AsSpan(_at);
        var blanks = rest.IndexOfAnyExcept(' ', '\t');
        if (blanks < 0 || blanks >= column || rest[blanks] is '\n' or '\r' || (blanks == 0 && (rest.StartsWith("---") || rest.StartsWith("..."))))
        {
            return;
        }

        _result.Append(_text, _copied, _at - _copied).Append(' ', column - blanks);
        _copied = _at;
        _total += column - blanks;
        _added[_line] = column - blanks;
    }

    private static bool IsBlank(char character) => character is ' ' or '\t' or '\n' or '\r' or '\0';
}
