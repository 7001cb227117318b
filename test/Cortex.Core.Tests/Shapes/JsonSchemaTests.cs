using System.Text.Json.Nodes;
using Cortex.Core.Clusters;
using Cortex.Core.Specs;

namespace Cortex.Core.Tests.Shapes;

public sealed class JsonSchemaTests
{
    public static TheoryData<string, string> Schemas => new()
    {
        { "cortex-api.schema.json", ApiSchema.Write() },
        { "cortex-cluster.schema.json", ClusterSchema.Write() },
    };

    [Theory, MemberData(nameof(Schemas), DisableDiscoveryEnumeration = true)]
    public void Write_CheckedInFile_IsTheSame(string name, string generated) => GeneratedFile.AssertIsTheSame($"schemas/{name}", generated);

    [Fact]
    public void Write_EveryField_HasADescription()
    {
        foreach (var schema in Schemas.Select(row => row.Data.Item2))
        {
            AssertDescribed(JsonNode.Parse(schema)!, "");
        }
    }

    [Theory]
    [InlineData(ApiKind.RealtimeAPI, "pod.max_queue_length", """{"description":"Requests that may wait, per replica; more are answered 503 at once.","type":"integer","minimum":1,"maximum":30000,"default":100}""")]
    [InlineData(ApiKind.AsyncAPI, "pod.max_concurrency", """{"description":"Requests that one replica works on at once.","type":"integer","minimum":1,"maximum":100,"default":1}""")]
    [InlineData(ApiKind.AsyncAPI, "autoscaling.max_replicas", """{"description":"Most replicas.","type":"integer","minimum":1,"default":100}""")]
    [InlineData(ApiKind.AsyncAPI, "queue.max_attempts", """{"description":"Attempts that may fail before a request is given up.","type":"integer","minimum":1,"maximum":100,"default":1}""")]
    [InlineData(ApiKind.TaskAPI, "node_groups", """{"description":"Node groups that it may run on; null for all.","type":["array","null"],"items":{"type":"string","minLength":1,"pattern":"^[a-zA-Z0-9_\\-]+$"},"minItems":1,"maxItems":100,"default":null}""")]
    [InlineData(ApiKind.BatchAPI, "client_access", """{"description":"What the token that containers find in /cortex/client/cli.yaml opens at the operator: nothing, reading this API, that and submitting to all, or everything.","type":"string","enum":["none","read","submit","admin"],"default":"submit"}""")]
    public void Write_Field_SaysItsBoundsAndDefault(ApiKind kind, string path, string expected)
    {
        var node = JsonNode.Parse(ApiSchema.Write())!["$defs"]![kind.ToString()]!;
        foreach (var key in path.Split('.'))
        {
            node = node["properties"]![key]!;
        }

        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(expected), node), node.ToJsonString());
    }

    [Theory]
    [InlineData(ApiKind.AsyncAPI, "max_queue_length")]
    [InlineData(ApiKind.TaskAPI, "max_concurrency")]
    public void Write_FieldOfAnotherKind_IsLeftOut(ApiKind kind, string key)
    {
        var pod = JsonNode.Parse(ApiSchema.Write())!["$defs"]![kind.ToString()]!["properties"]!["pod"]!;

        Assert.Null(pod["properties"]![key]);
        Assert.False((bool)pod["additionalProperties"]!);
    }

    private static void AssertDescribed(JsonNode node, string path)
    {
        if (node is JsonArray array)
        {
            foreach (var item in array.OfType<JsonNode>())
            {
                AssertDescribed(item, path);
            }
        }

        if (node is not JsonObject schema)
        {
            return;
        }

        foreach (var (key, value) in schema)
        {
            if (key == "properties" && !path.EndsWith("/if", StringComparison.Ordinal) && !path.EndsWith("/oneOf", StringComparison.Ordinal))
            {
                Assert.All(value!.AsObject(), property => Assert.False(string.IsNullOrEmpty((string?)property.Value!["description"]), $"{path}/{property.Key} has no description"));
            }

            if (value is not null)
            {
                AssertDescribed(value, $"{path}/{key}");
            }
        }
    }
}
