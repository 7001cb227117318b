using System.Globalization;
using Cortex.Core.Errors;
using Cortex.Core.Shapes;
using Cortex.Core.Yaml;

namespace Cortex.Core.Specs;

/// <summary>Reads configuration files of APIs.</summary>
/// <remarks>
/// Any text gives a result: a file over a limit is refused. The limits are 1 MiB of text, 100 levels, 100,000 values
/// and 8 Mi characters after aliases are replaced, 1000 APIs, and 1000 errors that are listed.
/// </remarks>
public static class ApiFileParser
{
    /// <summary>APIs of one file.</summary>
    public const int MaxApis = 1000;

    /// <summary>Reads a file: its APIs with every default filled in, and every error with its place.</summary>
    /// <param name="fileName">What errors call the file.</param>
    /// <param name="yaml">Its text.</param>
    public static ApiFile Parse(string fileName, string yaml)
    {
        var (root, fault) = YamlReader.Read(yaml);
        if (fault is not null)
        {
            return Refused(fileName, fault.Place, ErrorKinds.InvalidYaml, $"invalid yaml: {fault.Message}");
        }

        if (root is YamlScalar { IsNull: true } or YamlList { Items.Count: 0 })
        {
            return Refused(fileName, default, ErrorKinds.NoApis, "there are no APIs in this file; write a list with at least one");
        }

        if (root is not YamlList list)
        {
            return Refused(fileName, root!.Place, ErrorKinds.MalformedConfig, $"the file must be a list of APIs (each starting with \"- name:\"), but is {root.Describe()}");
        }

        return list.Items.Count <= MaxApis
            ? Read(fileName, list)
            : Refused(fileName, root.Place, ErrorKinds.TooManyElements, $"the file has {list.Items.Count} APIs; at most {MaxApis} are allowed");
    }

    private static ApiFile Read(string fileName, YamlList list)
    {
        var specs = new List<ApiSpec>();
        var declared = new List<DeclaredApi>();
        var places = new Dictionary<int, IReadOnlyDictionary<string, Place>>();
        var errors = new List<SpecError>();
        for (var index = 0; index < list.Items.Count; index++)
        {
            var node = list.Items[index] is YamlScalar { IsNull: true } empty ? new YamlMap(empty.Place, [], []) : list.Items[index];
            var walk = new Walk(fileName, Label(node, index), Text(node, "kind") ?? "");
            var root = walk.Visit(new Spot("", node.Place));
            places[index] = walk.Places;
            if (node is not YamlMap)
            {
                walk.Fail(root, ErrorKinds.MalformedConfig, $"every element of the list must be a map that describes an API, but this is {node.Describe()}");
            }
            else if (Enum.TryParse<ApiKind>(walk.Variant, out var kind) && ApiShapes.Kinds.Contains(walk.Variant))
            {
                var api = (MapValue)ApiShapes.Api.Read(node, root, walk)!;
                if (api.TryGet("name", out string name))
                {
                    declared.Add(new(index, name, kind, Endpoint(api, name)));
                }

                if (walk.Errors.Count == 0)
                {
                    specs.Add(ApiBinder.Bind(api, index, fileName, YamlJson.ToJson(node)));
                }
            }
            else
            {
                ApiShapes.Header.Read(node, root, walk);
            }

            errors.AddRange(walk.Errors);
        }

        var file = new ApiFile(specs, []) { Declared = declared, Places = places };
        return file with { Errors = SpecErrors.InFileOrder([.. errors, .. FileRules.Check(fileName, file)]) };
    }

    private static string? Endpoint(MapValue api, string name)
    {
        if (!api.TryGet("networking", out MapValue networking) || (networking.IsWritten("endpoint") && !networking.TryGet("endpoint", out string _)))
        {
            return null;
        }

        return networking.Find<string>("endpoint") ?? "/" + name;
    }

    private static string Label(YamlNode node, int index) => Text(node, "name") is { Length: > 0 } name
        ? YamlScalar.Shorten(name)
        : string.Create(CultureInfo.InvariantCulture, $"resource at index {index}");

    private static string? Text(YamlNode node, string key) =>
        (node as YamlMap)?.Entries.FirstOrDefault(entry => entry.Key is YamlScalar { IsString: true } scalar && scalar.Text == key).Value is YamlScalar { IsString: true } value
            ? value.Text
            : null;

    private static ApiFile Refused(string fileName, Place place, string kind, string detail) => new([],
    [
        new SpecError { Kind = kind, FileName = fileName, Line = place.Line, Column = place.Column, Detail = detail },
    ]);
}
