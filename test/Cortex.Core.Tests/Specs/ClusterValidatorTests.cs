using Cortex.Core.Specs;

namespace Cortex.Core.Tests.Specs;

public sealed class ClusterValidatorTests
{
    private const long Gi = 1024L * 1024 * 1024;

    private static readonly ClusterView s_machine = new([], [new("local", "local", 8000, 16 * Gi)]);

    [Fact]
    public void Validate_FitsTheMachine_FindsNothing() =>
        Assert.Empty(ClusterValidator.Validate(Api("compute: {cpu: 8, mem: 16Gi}"), s_machine));

    [Fact]
    public void Validate_FileWithErrors_GivesThemToo()
    {
        var file = ApiFileParser.Parse("f.yaml", "- name: A\n  kind: TaskAPI\n" + "- name: a\n  kind: RealtimeAPI\n  node_groups: [x]\n  pod: {containers: [{name: c, image: i}]}\n");

        var errors = ClusterValidator.Validate(file, s_machine);

        Assert.Equal(["urls.dns1035", "configreader.must_be_defined", "resources.invalid_node_group_selector"], errors.Select(error => error.Kind));
    }

    [Fact]
    public void Validate_FileWithTooManyErrors_GivesThemAsTheyAre()
    {
        var file = ApiFileParser.Parse("f.yaml", "- name: a\n  kind: TaskAPI\n" + string.Concat(Enumerable.Range(0, 1500).Select(i => $"  key{i}: 1\n")));

        Assert.Same(file.Errors, ClusterValidator.Validate(file, s_machine));
    }

    [Fact]
    public void Validate_NoNodeGroups_IsRefused() =>
        Assert.Equal("resources.no_node_groups", Assert.Single(ClusterValidator.Validate(Api(""), new([], []))).Kind);

    [Theory]
    [InlineData("compute: {cpu: 8001m}")]
    [InlineData("compute: {mem: 17Gi}")]
    [InlineData("compute: {shm: 17Gi}")]
    [InlineData("compute: {gpu: 1}")]
    [InlineData("compute: {inf: 1}")]
    [InlineData("compute: {cpu: 9E, mem: 9E}")]
    public void Validate_DoesNotFit_SaysWhatThereIs(string compute)
    {
        var error = Assert.Single(ClusterValidator.Validate(Api(compute), s_machine));

        Assert.Equal(("resources.no_available_node_compute_limit", "pod"), (error.Kind, error.Path));
        Assert.Contains("local        local           8", error.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void Validate_DoesNotFit_TablesAreReadable()
    {
        var file = ApiFileParser.Parse("f.yaml", "- name: a\n  kind: RealtimeAPI\n  node_groups: [cpu]\n  pod: {containers: [{name: c, image: i, compute: {cpu: 7, mem: 1Gi}}, {name: d, image: i, compute: {cpu: 1500m, mem: 512Mi}}]}\n");
        var view = new ClusterView([], [new("cpu", "m5.large", 1800, 7 * Gi), new("gpu", "g4dn.xlarge", 100_000, 100 * Gi, Gpu: 1)]);

        var error = Assert.Single(ClusterValidator.Validate(file, view));

        Assert.Equal(
            """
            no node group has room for one replica; lower `compute`, or use a larger machine

            requested by the pod (nothing is added for the system)
            CPU     memory
            8500m   1536Mi

            available to one pod
            node group   instance type   CPU     memory
            cpu          m5.large        1800m   7Gi

            not selected by `node_groups`: gpu
            """,
            error.Detail);
    }

    [Fact]
    public void Validate_OneOfSeveralGroupsFits_FindsNothing()
    {
        var view = new ClusterView([], [new("small", "s", 100, Gi), new("gpu", "g", 4000, 8 * Gi, Gpu: 2)]);

        Assert.Empty(ClusterValidator.Validate(Api("compute: {gpu: 2}"), view));
    }

    [Fact]
    public void Validate_UnknownNodeGroup_PointsAtIt()
    {
        var file = ApiFileParser.Parse("f.yaml", "- name: a\n  kind: RealtimeAPI\n  node_groups: [local, other]\n  pod: {containers: [{name: c, image: i}]}\n");

        var error = Assert.Single(ClusterValidator.Validate(file, s_machine));

        Assert.Equal(("resources.invalid_node_group_selector", 3, 24, "node_groups[1]"), (error.Kind, error.Line, error.Column, error.Path));
        Assert.Equal("there is no node group \"other\"; the cluster has local", error.Detail);
    }

    [Theory]
    [InlineData("other", ApiKind.TaskAPI, "/a", "spec.duplicate_endpoint")]
    [InlineData("other", ApiKind.TaskAPI, "/a/", "spec.duplicate_endpoint")]
    [InlineData("a", ApiKind.TaskAPI, "/a", null)]
    [InlineData("other", ApiKind.TaskAPI, "/", null)]
    // What the file's API, a RealtimeAPI at /a, gets below its endpoint is nobody else's.
    [InlineData("other", ApiKind.TaskAPI, "/a/b", "spec.duplicate_endpoint")]
    [InlineData("other", ApiKind.TaskAPI, "/ab", null)]
    [InlineData("a", ApiKind.TaskAPI, "/a/b", null)]
    public void Validate_EndpointOfADeployedApi_IsTaken(string owner, ApiKind ownerKind, string endpoint, string? kind)
    {
        var view = s_machine with { Apis = [new(owner, ownerKind, endpoint)] };

        var error = ClusterValidator.Validate(Api(""), view).SingleOrDefault();

        Assert.Equal(kind, error?.Kind);
        Assert.Equal(kind is null ? null : "networking.endpoint", error?.Path);
    }

    [Theory]
    [InlineData("/x", ApiKind.RealtimeAPI, "/x/y", "/x/y is below /x, the endpoint of other, which gets every path below it; choose another")]
    [InlineData("/x/y", ApiKind.AsyncAPI, "/x/y/z/w", "/x/y/z/w is below /x/y, the endpoint of other, which gets every path below it; choose another")]
    [InlineData("/x/y", ApiKind.RealtimeAPI, "/x", "/x is above /x/y, the endpoint of other, and would get every path below it; choose another")]
    // Jobs and splitters are reached at their endpoint alone, as in Cortex 0.42.
    [InlineData("/x", ApiKind.TrafficSplitter, "/x/y", null)]
    [InlineData("/x", ApiKind.BatchAPI, "/x/y", null)]
    [InlineData("/x", ApiKind.RealtimeAPI, "/xy", null)]
    public void Validate_EndpointBelowAnother_IsRefused(string deployed, ApiKind kind, string endpoint, string? detail)
    {
        var file = ApiFileParser.Parse("f.yaml", $"- name: a\n  kind: RealtimeAPI\n  pod: {{containers: [{{name: c, image: i}}]}}\n  networking: {{endpoint: {endpoint}}}\n");

        var error = ClusterValidator.Validate(file, s_machine with { Apis = [new("other", kind, deployed)] }).SingleOrDefault();

        Assert.Equal(detail, error?.Detail);
        Assert.Equal(detail is null ? null : (4, 16), error is null ? null : ((int, int)?)(error.Line, error.Column));
    }

    [Theory]
    [InlineData("min_replicas: 1000000000, max_replicas: 2000000000", "autoscaling.min_replicas", "autoscaling.max_replicas")]
    [InlineData("max_replicas: 11", "autoscaling.max_replicas")]
    [InlineData("max_replicas: 20, init_replicas: 12", "autoscaling.max_replicas", "autoscaling.init_replicas")]
    [InlineData("max_replicas: 10")]
    public void Validate_MoreReplicasThanAllowed_AreRefusedWithTheirPlace(string autoscaling, params string[] paths)
    {
        var file = ApiFileParser.Parse("f.yaml", $"- name: a\n  kind: RealtimeAPI\n  pod: {{containers: [{{name: c, image: i}}]}}\n  autoscaling: {{{autoscaling}}}\n");

        var errors = ClusterValidator.Validate(file, s_machine with { MaxReplicas = 10 });

        Assert.Equal(paths, errors.Select(error => error.Path));
        Assert.All(errors, error => Assert.Equal(("configreader.must_be_less_than_or_equal_to", 4), (error.Kind, error.Line)));
        Assert.All(errors, error => Assert.EndsWith("must be less than or equal to 10, or limits.max_replicas in the cluster's configuration must be raised", error.Detail, StringComparison.Ordinal));
    }

    [Fact]
    public void Validate_MoreApisThanAllowed_AreRefused()
    {
        string Apis(params string[] names) => string.Concat(names.Select(name => $"- name: {name}\n  kind: RealtimeAPI\n  pod: {{containers: [{{name: c, image: i}}]}}\n"));
        var view = s_machine with { Apis = [new("a", ApiKind.RealtimeAPI, "/a"), new("b", ApiKind.RealtimeAPI, "/b")], MaxApis = 3 };

        Assert.Empty(ClusterValidator.Validate(ApiFileParser.Parse("f.yaml", Apis("a", "b", "c")), view));
        var error = Assert.Single(ClusterValidator.Validate(ApiFileParser.Parse("f.yaml", Apis("a", "c", "d")), view));

        Assert.Equal(("configreader.too_many_elements", "d", 7), (error.Kind, error.Api, error.Line));
        Assert.Equal("the cluster has 2 APIs and may have 3; delete some, or raise limits.max_apis in its configuration", error.Detail);
    }

    [Fact]
    public void Validate_SplitterTargets_MustBeRealtimeApis()
    {
        var file = ApiFileParser.Parse("f.yaml", """
            - name: s
              kind: TrafficSplitter
              apis:
              - {name: deployed, weight: 20}
              - {name: infile, weight: 20}
              - {name: broken, weight: 20}
              - {name: task, weight: 20}
              - {name: missing, weight: 20}
            - {name: infile, kind: RealtimeAPI, pod: {containers: [{name: c, image: i}]}}
            - {name: broken, kind: RealtimeAPI, pod: {containers: []}}
            """);
        var view = s_machine with { Apis = [new("deployed", ApiKind.RealtimeAPI, "/d"), new("task", ApiKind.TaskAPI, "/t")] };

        var errors = ClusterValidator.Validate(file, view);

        Assert.Equal(
            [
                "f.yaml:7:6: s: apis[3].name: \"task\" is a TaskAPI; a target must be a RealtimeAPI",
                "f.yaml:8:6: s: apis[4].name: there is no RealtimeAPI \"missing\", neither deployed nor in this file",
                "f.yaml:10:43: broken: pod.containers: must have at least 1 element",
            ],
            errors.Select(error => error.ToString()));
    }

    private static ApiFile Api(string container)
    {
        var file = ApiFileParser.Parse("f.yaml", $"- name: a\n  kind: RealtimeAPI\n  pod:\n    containers:\n    - name: c\n      image: i\n      {container}\n");
        Assert.Empty(file.Errors);
        return file;
    }
}
