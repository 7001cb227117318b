using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Cortex.Core.Errors;
using Cortex.Core.Yaml;

namespace Cortex.Core.Shapes;

/// <summary>The path of a URL, without query. Gives it with a leading slash and without a trailing one, as a <see cref="string"/>.</summary>
internal sealed partial class PathShape : Shape
{
    /// <summary>Whether the root itself will do.</summary>
    public bool TakesRoot { get; init; }

    /// <summary>Whether <c>.</c> and <c>..</c> will do as parts: not in an endpoint, as clients take them out before they ask.</summary>
    public bool TakesDots { get; init; }

    /// <summary>The most characters; null for no limit of its own.</summary>
    public int? MaxLength { get; init; }

    public override object? Read(YamlNode node, Spot spot, Walk walk)
    {
        if (StringShape.ReadText(node, spot, walk) is not { } text)
        {
            return Walk.Invalid;
        }

        var shown = YamlScalar.Shorten(text);
        if (text.Length == 0)
        {
            return walk.Fail(spot, ErrorKinds.CannotBeEmpty, "cannot be empty");
        }

        if (text.Length > MaxLength)
        {
            return walk.Fail(spot, ErrorKinds.TooLong, $"\"{shown}\" has {text.Length} characters; at most {MaxLength} are allowed");
        }

        if (!Characters.IsMatch(text))
        {
            return walk.Fail(spot, ErrorKinds.Endpoint, $"\"{shown}\" may only have letters, digits, -, _, . and /");
        }

        if (text.Contains("//", StringComparison.Ordinal))
        {
            return walk.Fail(spot, ErrorKinds.EndpointDoubleSlash, $"\"{shown}\" must not have two slashes in a row");
        }

        if (!TakesDots && text.Split('/').Any(part => part is "." or ".."))
        {
            return walk.Fail(spot, ErrorKinds.Endpoint, $"\"{shown}\" must not have \".\" or \"..\" as a part: clients take these out before they ask, so that nobody would reach it");
        }

        var path = "/" + text.Trim('/');
        return path == "/" && !TakesRoot
            ? walk.Fail(spot, ErrorKinds.EndpointEmptyPath, $"\"{shown}\" must have a path after the slash")
            : path;
    }

    public override ShapeWords ToWords(string variant)
    {
        var (root, dots) = (TakesRoot ? "" : "; not `/` alone", TakesDots ? "" : "; no part `.` or `..`");
        return new("text", $"letters, digits, `-`, `_`, `.` and `/`{root}{dots}{(MaxLength is { } most ? $"; at most {most} characters" : "")}");
    }

    public override JsonObject ToSchema(string variant)
    {
        var schema = new JsonObject
        {
            ["type"] = "string",
            ["minLength"] = 1,
            ["pattern"] = JsonSchemaWriter.ToEcma(Characters),
            ["not"] = new JsonObject { ["pattern"] = string.Join('|', Forbidden) },
        };
        if (MaxLength is { } most)
        {
            schema["maxLength"] = most;
        }

        return schema;
    }

    private string[] Forbidden => ["//", .. TakesRoot ? (string[])[] : ["^/$"], .. TakesDots ? (string[])[] : [@"(^|/)\.\.?(/|$)"]];

    [GeneratedRegex(@"^[a-zA-Z0-9_\-\./]*\z", RegexOptions.CultureInvariant)]
    private static partial Regex Characters { get; }
}
