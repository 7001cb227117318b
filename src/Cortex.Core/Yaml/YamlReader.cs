using System.Text;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Cortex.Core.Yaml;

/// <summary>What is wrong with a text that is not YAML, or is more of it than is allowed.</summary>
internal sealed record YamlFault(Place Place, string Message);

/// <summary>Reads the first document of a YAML 1.1 text into nodes with places, within <see cref="YamlLimits"/>.</summary>
internal sealed class YamlReader
{
    private const char ByteOrderMark = '\uFEFF';
    private const int LongestMessage = 500;

    private static readonly Dictionary<int, int> NothingAdded = [];

    private readonly Parser _parser;
    private readonly AtSigns _atSigns;
    private readonly IReadOnlyDictionary<int, int> _addedSpaces;
    private readonly Dictionary<AnchorName, YamlNode?> _anchors = [];
    private long _nodes;
    private long _characters;

    /// <param name="text">The text.</param>
    /// <param name="addedSpaces">By line, how far it was indented before it came here.</param>
    private YamlReader(string text, IReadOnlyDictionary<int, int> addedSpaces)
    {
        _addedSpaces = addedSpaces;
        _atSigns = AtSigns.Hide(text, out var hidden);
        _parser = new Parser(new StringReader(hidden));
    }

    /// <summary>Reads a text. An empty one gives a null scalar; what follows the first document is ignored.</summary>
    /// <returns>Either the root or the fault.</returns>
    public static (YamlNode? Root, YamlFault? Fault) Read(string text)
    {
        if (Encoding.UTF8.GetByteCount(text) > YamlLimits.Bytes)
        {
            return (null, new(default, $"the file is larger than {YamlLimits.Bytes / 1024 / 1024} MiB"));
        }

        if (YamlCharacters.FindForbidden(text) is { } forbidden)
        {
            return (null, forbidden);
        }

        text = text.StartsWith(ByteOrderMark) ? text[1..] : text;
        var first = Read(text, NothingAdded);
        return first.Root is null && ContinuationLines.Indent(text) is { } indented && Read(indented.Text, indented.Added) is { Root: not null } second
            ? second
            : first;
    }

    private static (YamlNode? Root, YamlFault? Fault) Read(string text, IReadOnlyDictionary<int, int> addedSpaces)
    {
        var reader = new YamlReader(text, addedSpaces);
        try
        {
            return (reader.ReadDocument(), null);
        }
        catch (YamlException exception)
        {
            return (null, new(reader.PlaceOf(exception.Start), YamlScalar.Shorten(reader._atSigns.Restore(exception.Message), LongestMessage)));
        }
    }

    private YamlNode ReadDocument()
    {
        var first = Next();
        while (first is not null and not DocumentStart)
        {
            first = Next();
        }

        return first is null ? new YamlScalar(default, YamlScalarType.Null, "") : ReadNode(Next()!, depth: 1);
    }

    private ParsingEvent? Next()
    {
        while (MoveNext())
        {
            if (_parser.Current is not Comment)
            {
                return _parser.Current;
            }
        }

        return null;
    }

    // On some broken texts the library fails with exceptions of other types; these are faults of the text as well.
    private bool MoveNext()
    {
        try
        {
            return _parser.MoveNext();
        }
        catch (Exception exception) when (exception is InvalidOperationException or ArgumentException or IndexOutOfRangeException or NullReferenceException)
        {
            var (start, end) = _parser.Current is { } last ? (last.Start, last.End) : (Mark.Empty, Mark.Empty);
            throw new YamlException(start, end, "what follows is not YAML", exception);
        }
    }

    private YamlNode ReadNode(ParsingEvent current, int depth)
    {
        if (current is AnchorAlias alias)
        {
            return Checked(Resolve(alias), alias, depth);
        }

        var anchor = (current as NodeEvent)?.Anchor ?? AnchorName.Empty;
        if (!anchor.IsEmpty)
        {
            _anchors[anchor] = null;
        }

        if (depth > YamlLimits.Depth)
        {
            throw new SemanticErrorException(current.Start, current.End, $"maps and lists are nested deeper than {YamlLimits.Depth} levels");
        }

        var node = current switch
        {
            Scalar scalar => Counted(ReadScalar(scalar), scalar),
            SequenceStart start => Counted(ReadList(start, depth), start),
            MappingStart start => Counted(ReadMap(start, depth), start),
            _ => throw new SemanticErrorException(current.Start, current.End, "a value was expected here"),
        };
        if (!anchor.IsEmpty)
        {
            _anchors[anchor] = node;
        }

        return node;
    }

    private YamlNode Resolve(AnchorAlias alias)
    {
        if (!_anchors.TryGetValue(alias.Value, out var target))
        {
            throw new AnchorNotFoundException(alias.Start, alias.End, $"unknown anchor '{alias.Value}' referenced");
        }

        return target ?? throw new SemanticErrorException(alias.Start, alias.End, $"anchor '{alias.Value}' value contains itself");
    }

    // An alias costs what it stands for; this keeps a small file from growing into a huge one.
    private YamlNode Checked(YamlNode target, AnchorAlias alias, int depth)
    {
        Count(target.Nodes, target.Characters, alias);
        return depth + target.Height <= YamlLimits.Depth
            ? target
            : throw new SemanticErrorException(alias.Start, alias.End, $"maps and lists are nested deeper than {YamlLimits.Depth} levels");
    }

    private YamlNode Counted(YamlNode node, ParsingEvent current)
    {
        Count(1, (node as YamlScalar)?.Text.Length ?? 0, current);
        return node;
    }

    private void Count(long nodes, long characters, ParsingEvent current)
    {
        _nodes += nodes;
        _characters += characters;
        if (_nodes > YamlLimits.Nodes)
        {
            throw new SemanticErrorException(current.Start, current.End, $"the file has more than {YamlLimits.Nodes} values, aliases included");
        }

        if (_characters > YamlLimits.Characters)
        {
            throw new SemanticErrorException(current.Start, current.End, $"the file has more than {YamlLimits.Characters} characters, aliases included");
        }
    }

    private YamlScalar ReadScalar(Scalar scalar)
    {
        var place = PlaceOf(scalar.Start);
        var text = _atSigns.Restore(scalar.Value);
        if (!scalar.Tag.IsEmpty && !scalar.Tag.IsNonSpecific)
        {
            return YamlScalarReader.ReadTagged(place, scalar.Tag.Value, text)
                ?? throw new SemanticErrorException(scalar.Start, scalar.End, $"\"{YamlScalar.Shorten(text)}\" does not fit its tag {scalar.Tag}, or the tag is not supported");
        }

        return scalar.Style is ScalarStyle.Plain && scalar.Tag.IsEmpty
            ? YamlScalarReader.ReadPlain(place, text)
            : new YamlScalar(place, YamlScalarType.String, text);
    }

    private YamlList ReadList(SequenceStart start, int depth)
    {
        var items = new List<YamlNode>();
        for (var current = Next(); current is not SequenceEnd; current = Next())
        {
            items.Add(ReadNode(current!, depth + 1));
        }

        return new(PlaceOf(start.Start), items);
    }

    private YamlMap ReadMap(MappingStart start, int depth)
    {
        var written = new List<YamlEntry>();
        for (var current = Next(); current is not MappingEnd; current = Next())
        {
            var key = ReadNode(current!, depth + 1);
            written.Add(new(key, ReadNode(Next()!, depth + 1)));
        }

        if (!YamlMerge.TryResolve(written, out var entries))
        {
            throw new SemanticErrorException(start.Start, start.End, "map merge requires map or sequence of maps as the value");
        }

        return new(PlaceOf(start.Start), written, entries);
    }

    private Place PlaceOf(Mark mark) => new((int)mark.Line, (int)mark.Column - Math.Min(_addedSpaces.GetValueOrDefault((int)mark.Line), Math.Max(0, (int)mark.Column - 1)));
}
