using System.Text;
using Cortex.Core.Shapes;

namespace Cortex.Core.Specs;

/// <summary>The guide's reference of API files.</summary>
public static class ApiReference
{
    /// <summary>The page as Markdown.</summary>
    public static string Write()
    {
        var writer = new ReferenceWriter(_ => true);
        writer.FindShared(ApiShapes.Api, ApiShapes.Kinds);
        var page = new StringBuilder();
        page.Append("# Every key of an API file\n\n");
        page.Append($"{ReferenceWriter.Origin} What the keys do together, with examples and the rules over several of them, is in\n");
        page.Append("[API configuration](../api-configuration.md).\n\n");
        page.Append("`containers[]` is an element of a list. Where no default is shown, the meaning says what holds. Durations are written as `10s` or `1h30m`, quantities as `200m`, `512Mi` or `2Gi`.\n");
        foreach (var kind in ApiShapes.Kinds)
        {
            page.Append($"\n## {kind}\n\n{writer.Write(ApiShapes.Api.Fields, "", kind)}");
        }

        page.Append($"\n{writer.WriteShared()}");
        return page.ToString();
    }
}
