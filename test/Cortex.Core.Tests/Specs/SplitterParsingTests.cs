using System.Text.Json;
using Cortex.Core.Identifiers;
using Cortex.Core.Specs;
using Cortex.Core.Wire;

namespace Cortex.Core.Tests.Specs;

public sealed class SplitterParsingTests
{
    private const string Plain = "- name: a\n  kind: TrafficSplitter\n  apis: [{name: old, weight: 90}, {name: new, weight: 10}, {name: dark, weight: 5, shadow: true}]\n";

    [Fact]
    public void Parse_Plain_HasNeitherStickyNorCanary()
    {
        var splitter = Read(Plain);

        Assert.Null(splitter.Sticky);
        Assert.Null(splitter.Canary);
        Assert.Null(Read(Plain + "  sticky: null\n  canary: null\n").Canary);
    }

    [Fact]
    public void Parse_CanaryWithItsTargetAlone_HasTheDefaults()
    {
        var canary = Read(Plain.Replace("weight: 90", "weight: 100", StringComparison.Ordinal).Replace("weight: 10}", "weight: 0}", StringComparison.Ordinal) + "  canary: {to: new}\n").Canary!;

        Assert.Equal("new", canary.To);
        Assert.Equal([1, 5, 25, 100], canary.Steps);
        Assert.Equal((TimeSpan.FromMinutes(5), 0.01, null, 100), (canary.Every, canary.MaxErrorRate, canary.MaxP99, canary.MinRequests));
    }

    [Fact]
    public void Parse_Everything_IsTakenAndReadBackFromTheWire()
    {
        var splitter = Read(Plain + "  sticky: {header: X-User}\n  canary: {to: new, steps: [11, 50], every: 1h, max_error_rate: null, max_p99: 1.5s, min_requests: 1}\n");

        var json = JsonSerializer.Serialize(DeployedSpec.From(splitter, "id", "spec", "pod", "", 1, 2, "key", "root"), WireJson.Contract.DeployedSpec);
        var read = JsonSerializer.Deserialize(json, WireJson.Contract.DeployedSpec)!;

        Assert.Contains("""
            "sticky":{"header":"X-User"},"canary":{"to":"new","steps":[11,50],"every":3600000000000,"max_error_rate":null,"max_p99":1500000000,"min_requests":1}
            """.Trim(), json, StringComparison.Ordinal);
        Assert.Equal(splitter.Sticky, read.Sticky);
        Assert.Equal((null, TimeSpan.FromSeconds(1.5)), (read.Canary!.MaxErrorRate, read.Canary.MaxP99));
        Assert.DoesNotContain("sticky", JsonSerializer.Serialize(DeployedSpec.From(Read(Plain), "id", "spec", "pod", "", 1, 2, "key", "root"), WireJson.Contract.DeployedSpec), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("  sticky: {}", "spec.specify_exactly_one_field", "4:3", "sticky", "must have `header` or `cookie`")]
    [InlineData("  sticky: {header: a, cookie: b}", "spec.specify_exactly_one_field", "4:3", "sticky", "must have only one of")]
    [InlineData("  sticky: {header: 'X User'}", "configreader.invalid_str", "4:12", "sticky.header", "a name as HTTP has it")]
    [InlineData("  sticky: {cookie: a, cokie: b}", "configreader.unsupported_key", "4:23", "sticky.cokie", "did you mean `cookie`?")]
    [InlineData("  sticky: X-User", "configreader.invalid_primitive_type", "4:3", "sticky", "must be a map")]
    [InlineData("  canary: {}", "configreader.must_be_defined", "4:3", "canary.to", "must be defined")]
    [InlineData("  canary: {to: none, steps: [50]}", "spec.canary_target_unknown", "4:12", "canary.to", "\"none\" is none of the targets")]
    [InlineData("  canary: {to: dark, steps: [50]}", "spec.canary_target_unknown", "4:12", "canary.to", "is a shadow")]
    [InlineData("  canary: {to: new, steps: [10, 20]}", "spec.canary_steps_not_growing", "4:21", "canary.steps", "the first step (10) must be more than the weight that \"new\" has in `apis` (10)")]
    [InlineData("  canary: {to: new}", "spec.canary_steps_not_growing", "4:3", "canary.steps", "the first step (1)")]
    [InlineData("  canary: {to: new, steps: [20, 20]}", "spec.canary_steps_not_growing", "4:21", "canary.steps", "each step must be more than the one before; these are 20, 20")]
    [InlineData("  canary: {to: new, steps: []}", "configreader.cannot_be_empty", "4:21", "canary.steps", "at least 1")]
    [InlineData("  canary: {to: new, steps: [20, 101]}", "configreader.must_be_less_than_or_equal_to", "4:33", "canary.steps[1]", "101 must be")]
    [InlineData("  canary: {to: new, steps: [20], every: 999ms}", "configreader.must_be_greater_than_or_equal_to", "4:34", "canary.every", "999ms must be")]
    [InlineData("  canary: {to: new, steps: [20], max_error_rate: 1.1}", "configreader.must_be_less_than_or_equal_to", "4:34", "canary.max_error_rate", "1.1 must be")]
    [InlineData("  canary: {to: new, steps: [20], max_error_rate: 1%}", "configreader.invalid_primitive_type", "4:34", "canary.max_error_rate", "a finite number")]
    [InlineData("  canary: {to: new, steps: [20], max_p99: 0s}", "configreader.must_be_greater_than_or_equal_to", "4:34", "canary.max_p99", "0s must be")]
    [InlineData("  canary: {to: new, steps: [20], min_requests: 0}", "configreader.must_be_greater_than_or_equal_to", "4:34", "canary.min_requests", "0 must be")]
    public void Parse_Wrong_SaysWhereAndWhat(string text, string kind, string place, string path, string detail)
    {
        var error = Assert.Single(ApiFileParser.Parse("f.yaml", Plain + text + "\n").Errors);

        Assert.Equal((kind, place, path), (error.Kind, $"{error.Line}:{error.Column}", error.Path));
        Assert.Contains(detail, error.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("sticky: {header: a}")]
    [InlineData("canary: {to: b}")]
    public void Parse_OtherKind_HasNone(string text)
    {
        var error = Assert.Single(ApiFileParser.Parse("f.yaml", $"- name: a\n  kind: RealtimeAPI\n  pod: {{containers: [{{name: c, image: i}}]}}\n  {text}\n").Errors);

        Assert.Contains("it belongs to TrafficSplitter", error.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void SpecId_ChangesWithStickyAndCanary()
    {
        string[] texts =
        [
            "", "  sticky: {header: x}\n", "  sticky: {cookie: x}\n", "  canary: {to: new, steps: [20]}\n", "  canary: {to: new, steps: [20], max_p99: 1s}\n",
            "  canary: {to: new, steps: [20, 30]}\n",
        ];

        Assert.Equal(texts.Length, texts.Select(text => SpecHash.SpecId(Read(Plain + text))).Distinct().Count());
    }

    private static ApiSpec Read(string yaml)
    {
        var file = ApiFileParser.Parse("f.yaml", yaml);
        Assert.Empty(file.Errors);
        return Assert.Single(file.Apis);
    }
}
