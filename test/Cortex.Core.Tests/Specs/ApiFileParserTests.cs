using Cortex.Core.Specs;

namespace Cortex.Core.Tests.Specs;

public sealed class ApiFileParserTests
{
    private const string Minimal = """
        - name: hello
          kind: RealtimeAPI
          pod:
            containers:
            - name: api
              image: docker.io/acme/hello:1
        """;

    [Fact]
    public void Parse_MinimalRealtime_FillsInEveryDefault()
    {
        var file = ApiFileParser.Parse("hello.yaml", Minimal);

        Assert.Empty(file.Errors);
        var api = Assert.Single(file.Apis);
        Assert.Equal("hello", api.Name);
        Assert.Equal(ApiKind.RealtimeAPI, api.Kind);
        Assert.Equal("hello.yaml", api.FileName);
        Assert.Equal(8080, api.Pod!.Port);
        Assert.Equal(1, api.Pod.MaxConcurrency);
        Assert.Equal(100, api.Pod.MaxQueueLength);
        Assert.Null(api.NodeGroups);
        Assert.Null(api.Apis);
        Assert.Equal("/hello", api.Networking.Endpoint);
        Assert.Equal(new AutoscalingSpec(), api.Autoscaling);
        Assert.Equal(new UpdateStrategySpec("25%", "25%"), api.UpdateStrategy);
        var container = Assert.Single(api.Pod.Containers);
        Assert.Empty(container.Env);
        Assert.Null(container.Command);
        Assert.Null(container.Args);
        Assert.Null(container.ReadinessProbe);
        Assert.Null(container.LivenessProbe);
        Assert.Null(container.PreStop);
        Assert.Equal(new ComputeSpec(), container.Compute);
        Assert.Equal(
            """{"name":"hello","kind":"RealtimeAPI","pod":{"containers":[{"name":"api","image":"docker.io/acme/hello:1"}]}}""",
            api.SubmittedApiSpec.GetRawText());
    }
}
