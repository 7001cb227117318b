using System.Net;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Cortex.Core.Errors;
using Cortex.Core.Yaml;

namespace Cortex.Core.Shapes;

/// <summary>An IP address, or a network of them such as 10.0.0.0/8. Gives it as a <see cref="string"/>.</summary>
internal sealed partial class NetworkShape : Shape
{
    public override object? Read(YamlNode node, Spot spot, Walk walk)
    {
        if (StringShape.ReadText(node, spot, walk) is not { } text)
        {
            return Walk.Invalid;
        }

        // The pattern first: what the system takes for an address, such as 1 or 0x7f.1, few would.
        return Form.IsMatch(text) && (IPNetwork.TryParse(text, out _) || IPAddress.TryParse(text, out _))
            ? text
            : walk.Fail(spot, ErrorKinds.InvalidStr, $"\"{YamlScalar.Shorten(text)}\" must be an IP address, or a network such as 10.0.0.0/8 or fd00::/8");
    }

    public override ShapeWords ToWords(string variant) => new("text", "an IP address, or a network such as `10.0.0.0/8` or `fd00::/8`");

    public override JsonObject ToSchema(string variant) => new() { ["type"] = "string", ["pattern"] = JsonSchemaWriter.ToEcma(Form) };

    [GeneratedRegex(@"^([0-9]{1,3}(\.[0-9]{1,3}){3}|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*)(/[0-9]{1,3})?\z", RegexOptions.CultureInvariant)]
    private static partial Regex Form { get; }
}
