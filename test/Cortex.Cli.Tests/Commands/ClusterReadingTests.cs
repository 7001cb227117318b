using System.Formats.Tar;
using System.IO.Compression;
using System.Text.Json;
using Cortex.Cli.Tests.Support;
using Cortex.Client;
using Cortex.Client.Environments;
using Cortex.Core.Specs;
using Cortex.Core.Wire;
using YamlDotNet.RepresentationModel;

namespace Cortex.Cli.Tests.Commands;

public sealed class ClusterReadingTests : IDisposable
{
    private readonly CliFixture _cli = new();

    public ClusterReadingTests()
    {
        Make("cortex");
        _cli.Operator.On("GET /info", Apis.Info(), WireJson.Contract.InfoResponse);
    }

    public void Dispose() => _cli.Dispose();

    [Fact]
    public async Task Info_Pretty_HasAddressesConfigurationAndMachines()
    {
        var result = await _cli.RunAsync("cluster", "info");

        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.Equal("""
            endpoints:
            operator:          http://127.0.0.1:8888
            api load balancer: 127.0.0.1:8889

            your cluster has 2 API replicas running across 1 instance, and 1 unscheduled replica

            instance type   lifecycle   replicas   CPU (requested / total allocatable)   memory (requested / total allocatable)
            local           on-demand   2          400m / 8                              1Gi / 16Gi

            `cortex cluster info --settings` shows how it is configured

            """, result.Out);
        Assert.Equal("Bearer secret", Assert.Single(_cli.Operator.Requests).Authorization);
    }

    [Fact]
    public async Task Info_SeveralNodeGroups_AreSharesOfOneInstance()
    {
        var info = Apis.Info();
        var share = info.WorkerNodeInfos[0] with { NodegroupName = "cpu", InstanceType = "m5.large", NumReplicas = 1 };
        _cli.Operator.On("GET /info", info with { WorkerNodeInfos = [share, share with { NodegroupName = "gpu" }] }, WireJson.Contract.InfoResponse);

        var result = await _cli.RunAsync("cluster", "info");

        Assert.EndsWith("""
            your cluster has 2 API replicas running across 1 instance, and 1 unscheduled replica

            node group   instance type   lifecycle   replicas   CPU (requested / total allocatable)   memory (requested / total allocatable)
            cpu          m5.large        on-demand   1          400m / 8                              1Gi / 16Gi
            gpu          m5.large        on-demand   1          400m / 8                              1Gi / 16Gi

            `cortex cluster info --settings` shows how it is configured

            """, result.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Info_Settings_AreLastAndBrief()
    {
        var config = JsonDocument.Parse("""
            {"cluster_name":"cortex","apis":{"host":"127.0.0.1","port":8889},"tags":null,"jobs":{"history":100,"sources":{"s3":{"endpoint":null,"access_key":null,"path_style":false},"http_hosts":[]}},"api_version":"1.0.0"}
            """).RootElement;
        _cli.Operator.On("GET /info", Apis.Info() with { ClusterConfig = config }, WireJson.Contract.InfoResponse);

        var result = await _cli.RunAsync("cluster", "info", "--settings");

        Assert.EndsWith("""

            cluster config:
            cluster version: 1.0.0
            cluster_name: cortex
            apis: {host: "127.0.0.1", port: 8889}
            jobs:
              history: 100
              sources:
                s3: {path_style: false}
                http_hosts: []

            """, result.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Reading_TwoClusters_TakesTheOneNamedElseTheDefaultEnvironments()
    {
        Make("staging", 9001);
        var store = new CliConfigStore(_cli.ConfigDirectory);
        CortexEnvironment[] environments =
        [
            new() { Name = "one", OperatorEndpoint = "http://127.0.0.1:8888" }, new() { Name = "two", OperatorEndpoint = "http://127.0.0.1:9001" }, new() { Name = "far", OperatorEndpoint = "https://far.test" },
        ];

        foreach (var verb in new[] { "info", "health", "export" })
        {
            store.Save(new CliConfig { DefaultEnvironment = "two", Environments = environments });
            _cli.Operator.On<IReadOnlyList<ApiResponse>>("GET /get", [], WireJson.Contract.IReadOnlyListApiResponse);
            Assert.Equal((9001, "using cluster staging, the default environment's\n\n"), await AskAsync("cluster", verb));
            Assert.Equal((8888, ""), await AskAsync("cluster", verb, "--name", "cortex"));
            Assert.Equal((8888, ""), await AskAsync("cluster", verb, "--env", "one"));
            Assert.Equal("error: the far environment leads to https://far.test, which is no cluster of this machine (there are cortex, staging)\n", (await _cli.RunAsync("cluster", verb, "--env", "far")).Error);

            store.Save(new CliConfig { DefaultEnvironment = "far", Environments = environments });
            Assert.Equal("error: which cluster? name it with `--name NAME` (there are cortex, staging)\n", (await _cli.RunAsync("cluster", verb)).Error);
        }

        async Task<(int Port, string Error)> AskAsync(params string[] words)
        {
            var result = await _cli.RunAsync(words);
            Assert.Equal(0, result.ExitCode);
            return (_cli.Operator.Requests[^1].Uri.Port, result.Error);
        }
    }

    [Fact]
    public async Task Info_Json_HasTheContractsShape()
    {
        var result = await _cli.RunAsync("cluster", "info", "-o", "json");

        using var json = JsonDocument.Parse(result.Out);
        Assert.Equal(["cluster_config", "cluster_metadata", "worker_node_infos", "operator_node_infos", "endpoint_operator", "endpoint_api"], json.RootElement.EnumerateObject().Select(property => property.Name));
        Assert.Equal("""{"api_version":"1.0.0","operator_id":"op","cluster_id":"cl","is_operator_in_cluster":false}""", json.RootElement.GetProperty("cluster_metadata").GetRawText());
        Assert.Equal("127.0.0.1:8889", json.RootElement.GetProperty("endpoint_api").GetString());
        Assert.Equal("""{"cpu":"8","mem":"16Gi","gpu":0,"inf":0,"shm":null}""", json.RootElement.GetProperty("worker_node_infos")[0].GetProperty("compute_user_capacity").GetRawText());
    }

    [Fact]
    public async Task Info_PrintConfig_IsOnlyWhatAUserMaySet()
    {
        Assert.Equal("cluster_name: cortex\nregion: local\noperator_port: 8888\nnode_groups: []\n", (await _cli.RunAsync("cluster", "info", "--print-config")).Out);
        Assert.Equal("""{"cluster_name":"cortex","region":"local","operator_port":8888,"node_groups":[]}""", (await _cli.RunAsync("cluster", "info", "--print-config", "-o", "json")).Out);
    }

    [Fact]
    public async Task Info_ConfigureEnv_StoresItAsTheDefault()
    {
        var result = await _cli.RunAsync("cluster", "info", "-e", "mine", "-o", "json");

        Assert.Equal("configured mine environment\n", result.Error);
        var config = new CliConfigStore(_cli.ConfigDirectory).Load();
        Assert.Equal(("mine", "secret"), (config.DefaultEnvironment, config.Find("mine")!.Token));
    }

    [Fact]
    public async Task Info_Unreachable_Fails()
    {
        _cli.RefuseConnections();

        var result = await _cli.RunAsync("cluster", "info");

        Assert.Equal((1, ""), (result.ExitCode, result.Out));
        Assert.Contains("start it with `cortex cluster up`", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Info_Debug_WritesAnArchiveWithoutTheToken()
    {
        await File.WriteAllTextAsync(Path.Combine(_cli.ConfigDirectory, "clusters", "cortex", "server.log"), "a line\n", TestContext.Current.CancellationToken);

        var result = await _cli.RunAsync("cluster", "info", "--debug");

        var path = Path.Combine(_cli.WorkingDirectory, "cortex-debug-2026-03-04-15-04-05.tgz");
        Assert.Equal($"wrote {path}\n", result.Out);
        await using var gzip = new GZipStream(File.OpenRead(path), CompressionMode.Decompress);
        using var tar = new TarReader(gzip);
        var names = new List<string>();
        while (await tar.GetNextEntryAsync(cancellationToken: TestContext.Current.CancellationToken) is { } entry)
        {
            names.Add(entry.Name);
            using var reader = new StreamReader(entry.DataStream!);
            Assert.DoesNotContain("secret", await reader.ReadToEndAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        }

        Assert.Equal(["cluster.yaml", "server.log", "info.json", "apis.json"], names);
        Assert.StartsWith("error: --debug can't be combined", (await _cli.RunAsync("cluster", "info", "-d", "-o", "yaml")).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Info_DebugWithSecretsInTheConfiguration_HidesThem()
    {
        await File.WriteAllTextAsync(
            Path.Combine(_cli.ConfigDirectory, "clusters", "cortex", "cluster.yaml"), "cluster_name: cortex\nstorage: {postgres: {connection_string: 'Password=pass\\word'}, s3: {access_key: AKIA1, secret_key: hidden-key}}\n", TestContext.Current.CancellationToken);

        await _cli.RunAsync("cluster", "info", "--debug");

        await using var gzip = new GZipStream(File.OpenRead(Path.Combine(_cli.WorkingDirectory, "cortex-debug-2026-03-04-15-04-05.tgz")), CompressionMode.Decompress);
        using var tar = new TarReader(gzip);
        var entry = await tar.GetNextEntryAsync(cancellationToken: TestContext.Current.CancellationToken);
        using var reader = new StreamReader(entry!.DataStream!);
        var text = await reader.ReadToEndAsync(TestContext.Current.CancellationToken);
        Assert.Contains("connection_string: (hidden)\n", text, StringComparison.Ordinal);
        Assert.All(new[] { "word", "AKIA1", "hidden-key" }, secret => Assert.DoesNotContain(secret, text, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Health_AllWell_ExitsWithZero()
    {
        Assert.Equal(new CliResult(0, "               live\napis gateway   true\noperator       true\n\n", ""), await _cli.RunAsync("cluster", "health"));
        Assert.Equal("{\"apis_gateway\":true,\"operator\":true}", (await _cli.RunAsync("cluster", "health", "-o", "json")).Out);
    }

    [Fact]
    public async Task Health_APartIsDown_IsRedAndExitsWithOne()
    {
        _cli.OutputIsTerminal = true;
        _cli.Operator.On("GET /info", Apis.Info(gatewayIsHealthy: false), WireJson.Contract.InfoResponse);

        var result = await _cli.RunAsync("cluster", "health");

        Assert.Equal((1, "               \e[1mlive\e[0m\napis gateway   \e[31mfalse\e[0m\noperator       \e[32mtrue\e[0m\n\n"), (result.ExitCode, result.Out));
    }

    [Fact]
    public async Task Health_Unreachable_SaysSoAndExitsWithOne()
    {
        _cli.RefuseConnections();

        var result = await _cli.RunAsync("cluster", "health", "-o", "json");

        Assert.Equal((1, "{\"operator\":false}"), (result.ExitCode, result.Out));
        Assert.StartsWith("error: failed to connect", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Export_Apis_WritesFilesThatDeploy()
    {
        _cli.Operator.On<IReadOnlyList<ApiResponse>>("GET /get", [Apis.Listed("hello")], WireJson.Contract.IReadOnlyListApiResponse);
        _cli.Operator.On<IReadOnlyList<ApiResponse>>("GET /get/hello", [Apis.Detailed("hello")], WireJson.Contract.IReadOnlyListApiResponse);

        var result = await _cli.RunAsync("cluster", "export");

        Assert.Equal((0, "exporting hello to ./export-local-cortex/hello.yaml\n"), (result.ExitCode, result.Out));
        Assert.Equal("\nthe values of env are left out, so that files with variables do not deploy as they are; --show-env writes them too\n", result.Error);
        var text = await File.ReadAllTextAsync(Path.Combine(_cli.WorkingDirectory, "export-local-cortex", "hello.yaml"), TestContext.Current.CancellationToken);
        var file = ApiFileParser.Parse("hello.yaml", text);
        Assert.Empty(file.Errors);
        Assert.Equal("1.10", Assert.Single(file.Apis).Pod!.Containers[0].Env["VERSION"]);
        var yaml = new YamlStream();
        yaml.Load(new StringReader(text));
        Assert.IsType<YamlSequenceNode>(yaml.Documents[0].RootNode);
    }

    [Fact]
    public async Task Export_ShowEnv_AsksForTheValuesAndKeepsThemToTheOwner()
    {
        _cli.Operator.On<IReadOnlyList<ApiResponse>>("GET /get", [Apis.Listed("hello")], WireJson.Contract.IReadOnlyListApiResponse);
        _cli.Operator.On<IReadOnlyList<ApiResponse>>("GET /get/hello", [Apis.Detailed("hello")], WireJson.Contract.IReadOnlyListApiResponse);

        var result = await _cli.RunAsync("cluster", "export", "--show-env");

        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.Contains(_cli.Operator.Requests, each => each.Line == "GET /get/hello?showEnv=true");
        var path = Path.Combine(_cli.WorkingDirectory, "export-local-cortex", "hello.yaml");
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
    }

    [Fact]
    public async Task Export_Nothing_SaysSo()
    {
        _cli.Operator.On<IReadOnlyList<ApiResponse>>("GET /get", [], WireJson.Contract.IReadOnlyListApiResponse);

        Assert.Equal("no apis found in your cluster named cortex in local\n", (await _cli.RunAsync("cluster", "export")).Out);
    }

    [Fact]
    public async Task Select_SeveralClusters_AsksForAName()
    {
        Make("second");

        Assert.Equal("error: which cluster? name it with `--name NAME` (there are cortex, second)\n", (await _cli.RunAsync("cluster", "info")).Error);
        Assert.Equal(0, (await _cli.RunAsync("cluster", "info", "-n", "second")).ExitCode);
        _cli.Write("c.yaml", "cluster_name: second\n");
        Assert.Equal(0, (await _cli.RunAsync("cluster", "info", "-c", "c.yaml", "-r", "anywhere")).ExitCode);
    }

    [Fact]
    public async Task Select_DataDirectoryVariable_IsTheCluster()
    {
        var directory = Path.Combine(_cli.Root, "data");
        Directory.Move(Path.Combine(_cli.ConfigDirectory, "clusters", "cortex"), directory);
        _cli.SetVariable("CORTEX_DATA_DIR", directory);

        Assert.Equal(0, (await _cli.RunAsync("cluster", "info")).ExitCode);
    }

    [Fact]
    public async Task Select_NoCluster_SaysHowToMakeOne()
    {
        Directory.Delete(Path.Combine(_cli.ConfigDirectory, "clusters"), recursive: true);

        Assert.Equal("error: there is no cluster on this machine; `cortex cluster up` makes one\n", (await _cli.RunAsync("cluster", "health")).Error);
    }

    private void Make(string name, int operatorPort = 8888)
    {
        var directory = Path.Combine(_cli.ConfigDirectory, "clusters", name);
        Directory.CreateDirectory(directory);
        File.WriteAllText(Path.Combine(directory, "cluster.yaml"), $"cluster_name: {name}\noperator: {{port: {operatorPort}}}\n");
        File.WriteAllText(Path.Combine(directory, "token"), "secret");
    }
}
