using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Cortex.Core.Errors;
using Cortex.Core.Yaml;

namespace Cortex.Core.Shapes;

/// <summary>A string. Gives a <see cref="string"/>.</summary>
internal sealed class StringShape : Shape
{
    /// <summary>Whether it may be empty.</summary>
    public bool AllowsEmpty { get; init; }

    /// <summary>The fewest characters.</summary>
    public int MinLength { get; init; }

    /// <summary>The most characters; null for no limit of its own.</summary>
    public int? MaxLength { get; init; }

    /// <summary>What it must not begin with.</summary>
    public string? ForbiddenPrefix { get; init; }

    /// <summary>Texts that are taken.</summary>
    public IReadOnlyList<string> Reserved { get; init; } = [];

    /// <summary>What is wrong with those texts, after the text.</summary>
    public string ReservedWords { get; init; } = "is reserved; choose another";

    /// <summary>What it must match, whole.</summary>
    public Regex? Pattern { get; init; }

    /// <summary>The kind of the error when it does not match.</summary>
    public string PatternKind { get; init; } = ErrorKinds.InvalidStr;

    /// <summary>What the pattern asks for, after "must".</summary>
    public string PatternWords { get; init; } = "";

    /// <summary>Reads a scalar that must be a string; null after recording that it is not.</summary>
    public static string? ReadText(YamlNode node, Spot spot, Walk walk)
    {
        if (node is YamlScalar { IsString: true } scalar)
        {
            return scalar.Text;
        }

        var hint = node is YamlScalar { Type: YamlScalarType.Bool or YamlScalarType.Int or YamlScalarType.Float } other
            ? $"a string (put it in quotes: \"{YamlScalar.Shorten(other.Text)}\")"
            : "a string";
        WrongType(node, spot, walk, hint);
        return null;
    }

    public override object? Read(YamlNode node, Spot spot, Walk walk)
    {
        if (ReadText(node, spot, walk) is not { } text)
        {
            return Walk.Invalid;
        }

        return Check(text) is var (kind, detail) ? walk.Fail(spot, kind, detail) : text;
    }

    public override ShapeWords ToWords(string variant)
    {
        var length = (MinLength, MaxLength) switch
        {
            (0, null) => "",
            (0, { } most) => $"at most {most} characters",
            (var least, null) => $"at least {least} characters",
            var (least, most) => $"{least} to {most} characters",
        };
        var allowed = Pattern is null ? "" : $"must {PatternWords}";
        var prefix = ForbiddenPrefix is null ? "" : $"must not begin with `{ForbiddenPrefix}`";
        var reserved = Reserved.Count == 0 ? "" : $"not {Words.Join([.. Reserved.Select(text => $"`{text}`")], "or")}";
        return new("text", string.Join("; ", new[] { length, allowed, prefix, reserved }.Where(text => text.Length > 0)));
    }

    public override JsonObject ToSchema(string variant)
    {
        var schema = new JsonObject { ["type"] = "string" };
        if (Math.Max(MinLength, AllowsEmpty ? 0 : 1) is > 0 and var least)
        {
            schema["minLength"] = least;
        }

        if (MaxLength is { } most)
        {
            schema["maxLength"] = most;
        }

        if (Pattern is not null)
        {
            schema["pattern"] = JsonSchemaWriter.ToEcma(Pattern);
        }

        var forbidden = new JsonArray();
        if (Reserved.Count > 0)
        {
            forbidden.Add((JsonNode)new JsonObject { ["enum"] = new JsonArray([.. Reserved.Select(text => (JsonNode)text)]) });
        }

        if (ForbiddenPrefix is not null)
        {
            forbidden.Add((JsonNode)new JsonObject { ["pattern"] = $"^{ForbiddenPrefix}" });
        }

        if (forbidden.Count > 0)
        {
            schema["not"] = new JsonObject { ["anyOf"] = forbidden };
        }

        return schema;
    }

    /// <summary>What is wrong with a text; null when nothing is.</summary>
    public (string Kind, string Detail)? Check(string text)
    {
        var shown = YamlScalar.Shorten(text);
        return text switch
        {
            "" when !AllowsEmpty => (ErrorKinds.CannotBeEmpty, "cannot be empty"),
            _ when text.Contains('\0', StringComparison.Ordinal) => (ErrorKinds.InvalidStr, "must not hold the character NUL, which ends a text for every program"),
            _ when text.Length > MaxLength => (ErrorKinds.TooLong, $"\"{shown}\" has {text.Length} characters; at most {MaxLength} are allowed"),
            _ when text.Length < MinLength => (ErrorKinds.TooShort, $"\"{shown}\" has {text.Length} characters; at least {MinLength} are needed"),
            _ when ForbiddenPrefix is not null && text.StartsWith(ForbiddenPrefix, StringComparison.Ordinal)
                => (ErrorKinds.CantHavePrefix, $"\"{shown}\" must not start with \"{ForbiddenPrefix}\""),
            _ when Pattern is not null && !Pattern.IsMatch(text) => (PatternKind, $"\"{shown}\" must {PatternWords}"),
            _ when Reserved.Contains(text) => (ErrorKinds.DisallowedValue, $"\"{shown}\" {ReservedWords}"),
            _ => null,
        };
    }
}
