using System.Text.Json;
using Cortex.Core.Errors;
using Cortex.Core.Shapes;
using Cortex.Core.Specs;
using Cortex.Core.Units;
using Cortex.Core.Yaml;

namespace Cortex.Core.Clusters;

/// <summary>Reads configuration files of clusters. The limits of <see cref="ApiFileParser"/> apply.</summary>
public static class ClusterConfigParser
{
    /// <summary>Reads a file. An empty one gives the defaults.</summary>
    /// <param name="fileName">What errors call the file.</param>
    /// <param name="yaml">Its text.</param>
    public static ClusterFile Parse(string fileName, string yaml)
    {
        var (root, fault) = YamlReader.Read(yaml);
        if (fault is not null)
        {
            return new(null, [new SpecError { Kind = ErrorKinds.InvalidYaml, FileName = fileName, Line = fault.Place.Line, Column = fault.Place.Column, Detail = $"invalid yaml: {fault.Message}" }]);
        }

        var walk = new Walk(fileName, "", "");
        var node = root is YamlScalar { IsNull: true } empty ? new YamlMap(empty.Place, [], []) : root!;
        var value = ClusterShapes.Cluster.Read(node, walk.Visit(new Spot("", node.Place)), walk);
        return walk.Errors.Count > 0
            ? new(null, SpecErrors.InFileOrder(walk.Errors))
            : new(Bind((MapValue)value!), []);
    }

    private static ClusterConfig Bind(MapValue cluster)
    {
        var groups = cluster.Get<ListValue>("node_groups").Of<MapValue>();
        return ClusterTables.Parts.Bind(cluster) with
        {
            ClusterName = cluster.Get<string>("cluster_name"),
            Region = cluster.Get<string>("region"),
            NodeGroups = [.. groups.Select(NodeGroup)],
            Unused = Unused(cluster, ClusterShapes.UnusedOfCluster),
            IgnoredFields =
            [
                .. Ignored(cluster, ClusterShapes.UnusedOfCluster)
                    .Concat(groups.SelectMany(group => Ignored(group, ClusterShapes.UnusedOfNodeGroup)))
                    .OrderBy(spot => spot.Place.Line).ThenBy(spot => spot.Place.Column)
                    .Select(spot => spot.Path),
            ],
        };
    }

    private static IEnumerable<Spot> Ignored(MapValue map, IReadOnlyList<Field> fields) =>
        fields.Where(field => map.IsWritten(field.Key)).Select(field => map.SpotOf(field.Key));

    private static Dictionary<string, JsonElement> Unused(MapValue map, IReadOnlyList<Field> fields) =>
        fields.ToDictionary(field => field.Key, field => ValueJson.ToJson(map.Find<object>(field.Key)), StringComparer.Ordinal);

    private static NodeGroup NodeGroup(MapValue group) => new()
    {
        Name = group.Get<string>("name"),
        InstanceType = group.Get<string>("instance_type"),
        Resources = group.Find<MapValue>("resources") is { } share
            ? new NodeGroupResources(
                share.Find<string>("cpu") is { } cpu ? Quantity.Parse(cpu).MilliValue : null,
                share.Find<string>("mem") is { } mem ? Quantity.Parse(mem).Value : null,
                share.TryGet("gpu", out long gpu) ? gpu : null)
            : null,
        MinInstances = group.Int32("min_instances"),
        MaxInstances = group.Int32("max_instances"),
        Priority = group.Int32("priority"),
        Unused = Unused(group, ClusterShapes.UnusedOfNodeGroup),
    };
}
