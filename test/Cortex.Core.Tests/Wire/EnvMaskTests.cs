using System.Text.Json;
using Cortex.Core.Specs;
using Cortex.Core.Wire;

namespace Cortex.Core.Tests.Wire;

public sealed class EnvMaskTests
{
    [Fact]
    public void Hide_AnySpecification_LosesTheValuesAndNothingElse()
    {
        var api = Assert.Single(ApiFileParser.Parse("f.yaml", """
            - name: a
              kind: TaskAPI
              pod:
                containers:
                - name: c
                  image: i
                  command: [env]
                  env: {TOKEN: "s3cr3t-1", EMPTY: "", env: "s3cr3t-2"}
                - {name: d, image: i, command: [env]}
              schedule: {cron: "@daily", job: {config: {pod: {containers: [{env: {TOKEN: kept}}]}}}}
            """).Apis);
        var spec = DeployedSpec.From(api, "id", "spec", "pod", "", 1, 2, "key", "root");

        var hidden = EnvMask.Hide(spec);

        var json = JsonSerializer.Serialize(hidden, WireJson.Contract.DeployedSpec);
        Assert.DoesNotContain("s3cr3t", json, StringComparison.Ordinal);
        Assert.Equal(
            JsonSerializer.Serialize(spec, WireJson.Contract.DeployedSpec),
            json.Replace("\"TOKEN\":\"(hidden)\"", "\"TOKEN\":\"s3cr3t-1\"", StringComparison.Ordinal)
                .Replace("\"EMPTY\":\"(hidden)\"", "\"EMPTY\":\"\"", StringComparison.Ordinal)
                .Replace("\"env\":\"(hidden)\"", "\"env\":\"s3cr3t-2\"", StringComparison.Ordinal));
        Assert.Contains("\"TOKEN\":\"kept\"", json, StringComparison.Ordinal);
    }

    [Fact]
    public void Hide_Splitter_StaysItself()
    {
        var api = Assert.Single(ApiFileParser.Parse("f.yaml", "- {name: a, kind: TrafficSplitter, apis: [{name: b, weight: 100}]}").Apis);
        var spec = DeployedSpec.From(api, "id", "spec", "pod", "", 1, 2, "key", "root");

        Assert.Same(spec, EnvMask.Hide(spec));
    }
}
