using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Cortex.Core.Errors;
using Cortex.Core.Yaml;

namespace Cortex.Core.Shapes;

/// <summary>A time zone of the IANA database that this machine has. Gives its name as a <see cref="string"/>.</summary>
internal sealed partial class TimeZoneShape : Shape
{
    // The system sorts its list by the zones' names in the machine's language each time that it is asked.
    private static readonly Lazy<IReadOnlyList<string>> s_known = new(() => [.. TimeZoneInfo.GetSystemTimeZones().Select(zone => zone.Id).Order(StringComparer.Ordinal)]);

    public override object? Read(YamlNode node, Spot spot, Walk walk)
    {
        if (StringShape.ReadText(node, spot, walk) is not { } text)
        {
            return Walk.Invalid;
        }

        // The pattern first: names are paths below a folder of the system.
        if (Name.IsMatch(text) && TimeZoneInfo.TryFindSystemTimeZoneById(text, out _))
        {
            return text;
        }

        return walk.Fail(spot, ErrorKinds.InvalidTimeZone, $"\"{YamlScalar.Shorten(text)}\" is no time zone that this machine knows{Hint(text)}");
    }

    public override ShapeWords ToWords(string variant) => new("text", "a name of the time zone database, such as `Europe/Berlin`");

    public override JsonObject ToSchema(string variant) => new() { ["type"] = "string", ["pattern"] = JsonSchemaWriter.ToEcma(Name) };

    private static string Hint(string text)
    {
        var known = s_known.Value;
        return known.Count < 2 ? "; it has only UTC (install the package tzdata for the others)"
            : Words.Closest(text, known) is { } closest ? $"; did you mean {closest}?"
            : ", such as UTC or Europe/Berlin";
    }

    [GeneratedRegex(@"^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9][A-Za-z0-9_+-]*)*\z", RegexOptions.CultureInvariant)]
    private static partial Regex Name { get; }
}
