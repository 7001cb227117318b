using System.Text.Json.Nodes;
using Cortex.Core.Clusters;
using Cortex.Core.Specs;

namespace Cortex.Core.Tests.Shapes;

/// <summary>The guide's reference is what the definitions say, and leaves no key out.</summary>
public sealed class ReferenceTests
{
    public static TheoryData<string, string, string> Pages => new()
    {
        { "docs/guide/reference/api.md", ApiReference.Write(), ApiSchema.Write() },
        { "docs/guide/reference/cluster.md", ClusterReference.Write(), ClusterSchema.Write() },
    };

    [Theory, MemberData(nameof(Pages), DisableDiscoveryEnumeration = true)]
    public void Write_CheckedInFile_IsTheSame(string path, string generated, string schema)
    {
        Assert.NotEmpty(schema);
        GeneratedFile.AssertIsTheSame(path, generated);
    }

    [Theory, MemberData(nameof(Pages), DisableDiscoveryEnumeration = true)]
    public void Write_EveryKeyOfTheSchema_IsThere(string path, string generated, string schema)
    {
        var missing = Keys(JsonNode.Parse(schema)!).Distinct()
            .Where(key => !generated.Contains($"`{key}`", StringComparison.Ordinal) && !generated.Contains($".{key}`", StringComparison.Ordinal) && !generated.Contains($"`{key}[", StringComparison.Ordinal));

        // Below a key without effect, and what the cluster sets itself: nobody writes them.
        string[] left = path.EndsWith("cluster.md", StringComparison.Ordinal)
            ? ["availability_zone", "subnet_id", "instance_distribution", "on_demand_base_capacity", "on_demand_percentage_above_base_capacity", "max_price", "instance_pools", "cortex_policy_arn", "account_id", "cluster_uid", "bucket"]
            : [];
        Assert.Empty(missing.Except(left));
    }

    [Theory]
    [InlineData("| `pod.max_queue_length` | integer | `100` | 1 to 30000 | Requests that may wait, per replica; more are answered 503 at once. |")]
    [InlineData("| `autoscaling.window` | duration | `60s` | `10s` to `8760h`, a multiple of `10s` | Time that requests in flight are averaged over; a multiple of 10s. |")]
    [InlineData("| `node_groups` | list of texts | `null` | 1 to 100 of them; each must only have letters, digits, dashes and underscores | Node groups that it may run on; null for all. |")]
    [InlineData("| `pod.containers[].name` | text | required | at most 63 characters; must only have lower-case letters, digits and dashes, start with a letter and end with a letter or a digit; not `dequeuer` or `proxy` | Name, unique in the pod. |")]
    [InlineData("| `canary.max_error_rate` | number | `0.01` | 0 or more, at most 1; or `null` | Largest part of the target's requests that may fail, such as 0.01; null for any. |")]
    [InlineData("| `pod.containers[].compute` | map |  |  | What the container asks of its machine. See [`compute`](#compute). |")]
    [InlineData("| `cpu` | quantity or number | `200m` | `20m` or more; or `null` | Processors: 200m is a fifth of one; null asks for none. |")]
    [InlineData("| `sticky.header` | text |  | at most 256 characters; must be a name as HTTP has it: letters, digits and !#$%&'\\*+-.^_`\\|~ | Requests with the same value of this header go to the same target. |")]
    public void Write_Row_SaysWhatTheKeyMayBe(string row) => Assert.Contains(row + "\n", ApiReference.Write(), StringComparison.Ordinal);

    [Fact]
    public void Write_MapThatIsTheSameInSeveralPlaces_IsWrittenOnce()
    {
        var page = ApiReference.Write();

        Assert.Equal(1, page.Split("| `shm` |").Length - 1);
        Assert.DoesNotContain("compute.shm", page, StringComparison.Ordinal);
    }

    private static IEnumerable<string> Keys(JsonNode node) => node switch
    {
        JsonObject map => map.SelectMany(member => member is { Key: "properties", Value: JsonObject properties }
            ? properties.SelectMany(property => Keys(property.Value!).Prepend(property.Key))
            : member.Value is null ? [] : Keys(member.Value)),
        JsonArray list => list.OfType<JsonNode>().SelectMany(Keys),
        _ => [],
    };
}
