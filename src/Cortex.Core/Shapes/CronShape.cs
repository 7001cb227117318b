using System.Text.Json.Nodes;
using Cortex.Core.Errors;
using Cortex.Core.Schedules;
using Cortex.Core.Yaml;

namespace Cortex.Core.Shapes;

/// <summary>A cron expression. Gives its text as a <see cref="string"/>.</summary>
internal sealed class CronShape : Shape
{
    public override object? Read(YamlNode node, Spot spot, Walk walk)
    {
        if (StringShape.ReadText(node, spot, walk) is not { } text)
        {
            return Walk.Invalid;
        }

        return CronExpression.TryParse(text, out _, out var error)
            ? text
            : walk.Fail(spot, ErrorKinds.InvalidSchedule, $"\"{YamlScalar.Shorten(text)}\" is no schedule such as \"30 3 * * 1-5\" or \"@daily\": {error}");
    }

    public override ShapeWords ToWords(string variant) => new("text", "five fields, or a nickname such as `@daily`");

    public override JsonObject ToSchema(string variant) => new()
    {
        ["type"] = "string",
        ["pattern"] = @"^\s*(@[a-zA-Z]+|(\S+\s+){4}\S+)\s*$",
    };
}
