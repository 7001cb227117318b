using System.Text.Json.Nodes;
using Cortex.Core.Shapes;

namespace Cortex.Core.Specs;

/// <summary>The JSON Schema of API files.</summary>
public static class ApiSchema
{
    /// <summary>The schema (draft 2020-12) as text: a list whose elements are checked by their kind.</summary>
    public static string Write()
    {
        var header = ApiShapes.Header.ToSchema("");
        var choices = new JsonArray();
        var definitions = new JsonObject();
        foreach (var kind in ApiShapes.Kinds)
        {
            choices.Add((JsonNode)new JsonObject
            {
                ["if"] = new JsonObject { ["properties"] = new JsonObject { ["kind"] = new JsonObject { ["const"] = kind } }, ["required"] = new JsonArray("kind") },
                ["then"] = new JsonObject { ["$ref"] = $"#/$defs/{kind}" },
            });
            definitions[kind] = ApiShapes.Api.ToSchema(kind);
        }

        header["allOf"] = choices;
        return JsonSchemaWriter.Write("Cortex: a file of APIs", new JsonObject { ["type"] = "array", ["minItems"] = 1, ["items"] = header }, definitions);
    }
}
