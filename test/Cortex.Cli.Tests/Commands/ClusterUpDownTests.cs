using System.Globalization;
using System.Text.Json;
using Cortex.Cli.Clusters;
using Cortex.Cli.Tests.Support;
using Cortex.Client.Environments;
using Cortex.Core.Wire;

namespace Cortex.Cli.Tests.Commands;

/// <summary>The life of a cluster, with a real process for its server.</summary>
public sealed class ClusterUpDownTests : IAsyncDisposable
{
    private readonly CliFixture _cli = new();
    private readonly FakeServer _server;

    public ClusterUpDownTests() => _server = new FakeServer(_cli);

    private CliConfig Config => new CliConfigStore(_cli.ConfigDirectory).Load();

    public async ValueTask DisposeAsync()
    {
        await _server.StopAsync();
        _cli.Dispose();
    }

    [Fact]
    public async Task Up_NothingThere_StartsAServerAndStoresTheEnvironment()
    {
        var result = await _cli.RunAsync("cluster", "up");

        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.Equal("cortex is ready!\n\ncluster:     cortex\noperator:    http://127.0.0.1:8888\napis:        http://127.0.0.1:8889\nenvironment: cortex (default)\n\ntry `cortex deploy FILE --wait`, then `cortex get`; `cortex cluster down` stops everything\n", result.Out);
        Assert.True(_server.IsRunning);
        var token = await File.ReadAllTextAsync(Path.Combine(_server.Directory, "token"), TestContext.Current.CancellationToken);
        Assert.Matches("^[0-9a-f]{64}$", token);
        Assert.Equal(("cortex", "http://127.0.0.1:8888", token), (Config.DefaultEnvironment, Config.Find("cortex")!.OperatorEndpoint, Config.Find("cortex")!.Token));
        Assert.Equal($"Bearer {token}", _cli.Operator.Requests[^1].Authorization);
        Assert.Equal("{}\n", await File.ReadAllTextAsync(Path.Combine(_server.Directory, "cluster.yaml"), TestContext.Current.CancellationToken));
        const UnixFileMode owner = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        Assert.Equal((owner, owner | UnixFileMode.UserExecute), (File.GetUnixFileMode(Path.Combine(_server.Directory, "token")), File.GetUnixFileMode(_server.Directory)));
    }

    [Fact]
    public async Task Up_AnotherDocker_IsWrittenDownForWhoeverComesLater()
    {
        _cli.SetVariable("DOCKER_HOST", "unix:///run/user/1000/docker.sock");

        Assert.Equal((0, ""), await _cli.RunAsync("cluster", "up") is var made ? (made.ExitCode, made.Error) : default);
        Assert.Equal("docker: {host: unix:///run/user/1000/docker.sock}\n", await File.ReadAllTextAsync(Path.Combine(_server.Directory, "cluster.yaml"), TestContext.Current.CancellationToken));
        _cli.SetVariable("DOCKER_HOST", "unix:///var/run/docker.sock");
        Assert.Equal(
            "DOCKER_HOST is unix:///var/run/docker.sock; this cluster runs on unix:///run/user/1000/docker.sock, which `docker: {host: ...}` in its configuration changes\n",
            (await _cli.RunAsync("cluster", "up")).Error);
    }

    [Theory]
    [InlineData("unix://relative")]
    [InlineData("unix:///x\"}, apis: {host: 0.0.0.0")]
    public async Task Up_DockerAtNoPath_IsRefusedByItsName(string docker)
    {
        _cli.SetVariable("DOCKER_HOST", docker);

        Assert.StartsWith($"error: DOCKER_HOST:1:10: docker.host: \"{docker}\" must be unix://", (await _cli.RunAsync("cluster", "up")).Error, StringComparison.Ordinal);
        Assert.StartsWith("error: --name and DOCKER_HOST:2:10: docker.host: ", (await _cli.RunAsync("cluster", "up", "--name", "staging")).Error, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(_server.Directory, "cluster.yaml")));
    }

    [Fact]
    public async Task Up_DockerElsewhere_IsNotTakenForASocketAndSaid()
    {
        _cli.SetVariable("DOCKER_HOST", "tcp://10.0.0.1:2376");

        Assert.StartsWith("DOCKER_HOST is tcp://10.0.0.1:2376; this cluster runs on unix:///var/run/docker.sock", (await _cli.RunAsync("cluster", "up")).Error, StringComparison.Ordinal);
        Assert.Equal("{}\n", await File.ReadAllTextAsync(Path.Combine(_server.Directory, "cluster.yaml"), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Up_AlreadyRunning_IsHarmless()
    {
        await _cli.RunAsync("cluster", "up");
        var (processId, token) = (_server.ProcessId, Config.Find("cortex")!.Token);
        File.Delete(_cli.ConfigFile);

        var result = await _cli.RunAsync("cluster", "up");

        Assert.Equal(0, result.ExitCode);
        Assert.StartsWith("cluster cortex is already running\n\ncluster:     cortex\noperator: ", result.Out, StringComparison.Ordinal);
        Assert.Equal((processId, token), (_server.ProcessId, Config.Find("cortex")!.Token));
    }

    [Fact]
    public async Task Up_TwiceAtOnce_StartsOneServerAndBothSucceed()
    {
        var results = await Task.WhenAll(_cli.RunAsync("cluster", "up"), _cli.RunAsync("cluster", "up"));

        Assert.All(results, result => Assert.Equal((0, ""), (result.ExitCode, result.Error)));
        Assert.Single(results, result => result.Out.StartsWith("cortex is ready!", StringComparison.Ordinal));
        Assert.Single(results, result => result.Out.StartsWith("cluster cortex is already running", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Up_ServerDied_StartsAnotherWithTheSameToken()
    {
        await _cli.RunAsync("cluster", "up");
        var (processId, token) = (_server.ProcessId, Config.Find("cortex")!.Token);
        await _server.StopAsync();

        var result = await _cli.RunAsync("cluster", "up");

        Assert.StartsWith("cortex is ready!", result.Out, StringComparison.Ordinal);
        Assert.NotEqual(processId, _server.ProcessId);
        Assert.Equal(token, Config.Find("cortex")!.Token);
    }

    [Fact]
    public async Task Up_PidOfAnotherProgram_IsNotTakenForTheServer()
    {
        await _cli.RunAsync("cluster", "up");
        await _server.StopAsync();
        await File.WriteAllTextAsync(Path.Combine(_server.Directory, "server.pid"), Environment.ProcessId.ToString(CultureInfo.InvariantCulture), TestContext.Current.CancellationToken);

        var result = await _cli.RunAsync("cluster", "up");

        Assert.StartsWith("cortex is ready!", result.Out, StringComparison.Ordinal);
        Assert.NotEqual(Environment.ProcessId, _server.ProcessId);
    }

    [Fact]
    public async Task Down_PidFileLost_StillFindsTheServer()
    {
        await _cli.RunAsync("cluster", "up");
        var processId = _server.ProcessId;
        File.Delete(Path.Combine(_server.Directory, "server.pid"));

        var result = await _cli.RunAsync("cluster", "down", "-y");

        Assert.StartsWith("stopping the server ...\n", result.Out, StringComparison.Ordinal);
        Assert.Equal("", File.Exists($"/proc/{processId}/cmdline") ? await File.ReadAllTextAsync($"/proc/{processId}/cmdline", TestContext.Current.CancellationToken) : "");
    }

    [Fact]
    public async Task Up_ServerFailsAtOnce_PrintsItsErrors()
    {
        _server.NextStart("echo 'info: starting' >&2; echo 'error: docker is not running; start it with `systemctl start docker`' >&2; exit 1\n");

        var result = await _cli.RunAsync("cluster", "up");

        Assert.Equal((1, "", "error: docker is not running; start it with `systemctl start docker`\n"), (result.ExitCode, result.Out, result.Error));
        Assert.False(File.Exists(Path.Combine(_server.Directory, "server.pid")));
        Assert.Null(Config.Find("cortex"));
        Assert.Equal("there is no cluster on this machine\n", (await _cli.RunAsync("cluster", "down")).Out);
    }

    [Fact]
    public async Task Up_ServerFailsAfterItOpenedItsLog_PrintsTheErrorsOfThisStart()
    {
        Directory.CreateDirectory(_server.Directory);
        await File.WriteAllTextAsync(Path.Combine(_server.Directory, "server.log"), "error: yesterday\n", TestContext.Current.CancellationToken);
        _server.NextStart("exec 2>>\"$log\"; echo 'error: port 8889 is taken' >&2; exit 1\n");

        Assert.Equal("error: port 8889 is taken\n", (await _cli.RunAsync("cluster", "up")).Error);
    }

    [Fact]
    public async Task Up_ServerDiesWithoutAWord_SaysWhereTheLogIs()
    {
        _server.NextStart("exit 7\n");

        Assert.Equal($"error: the server ended with code 7 and said nothing; its log is {_server.Directory}/server.log\n", (await _cli.RunAsync("cluster", "up")).Error);
    }

    [Fact]
    public async Task Up_Interrupted_LeavesNoServerBehind()
    {
        using var interrupt = new CancellationTokenSource();
        _server.NextStart("while :; do sleep 0.02; done\n");
        var asked = 0;
        _cli.Operator.On("GET /info", () =>
        {
            if (++asked == 3)
            {
                interrupt.Cancel();
            }

            throw new HttpRequestException("Connection refused");
        });

        var result = await _cli.RunAsync(interrupt.Token, "cluster", "up");

        Assert.Equal((130, false), (result.ExitCode, _server.IsRunning));
    }

    [Fact]
    public async Task Up_ConfigFile_IsCheckedAndItsIgnoredFieldsNamed()
    {
        _cli.Write("cluster.yaml", "cluster_name: cortex\nregion: us-west-2\noperator:\n  port: 9998\nnat_gateway: single\n");

        var result = await _cli.RunAsync("cluster", "up", "cluster.yaml", "-e", "mine");

        Assert.Equal((0, "note: nat_gateway has no effect on this machine\n"), (result.ExitCode, result.Error));
        Assert.Contains("operator:    http://127.0.0.1:9998\n", result.Out, StringComparison.Ordinal);
        Assert.Equal("http://127.0.0.1:9998", Config.Find("mine")!.OperatorEndpoint);
    }

    [Fact]
    public async Task Up_InvalidConfig_StartsNothing()
    {
        var path = _cli.Write("cluster.yaml", "cluster_name: A\nbogus: 1\n");

        var result = await _cli.RunAsync("cluster", "up", "cluster.yaml");

        Assert.Equal(1, result.ExitCode);
        var lines = result.Error.TrimEnd('\n').Split('\n');
        Assert.Equal(2, lines.Length);
        Assert.Equal([$"error: {path}:1", $"error: {path}:2"], lines.Select(line => line[..$"error: {path}:1".Length]));
        Assert.Contains("cluster_name", lines[0], StringComparison.Ordinal);
        Assert.Contains("bogus", lines[1], StringComparison.Ordinal);
        Assert.False(Directory.Exists(_server.Directory));
    }

    [Fact]
    public async Task Up_RunningWithAnotherConfig_PointsToConfigure()
    {
        await _cli.RunAsync("cluster", "up");
        _cli.Write("cluster.yaml", "apis:\n  port: 9999\n");

        var result = await _cli.RunAsync("cluster", "up", "cluster.yaml");

        Assert.Equal(1, result.ExitCode);
        Assert.Equal("error: cluster cortex is already running with another configuration:\n  apis.port: 8889 becomes 9999\n\nrun `cortex cluster configure cluster.yaml` to change it\n", result.Error);
    }

    [Fact]
    public async Task Configure_OnlyASecretChanges_IsAChangeThatIsNotShown()
    {
        _cli.Write("cluster.yaml", "storage: {postgres: {connection_string: Password=first}}\n");
        await _cli.RunAsync("cluster", "up", "cluster.yaml");
        _cli.Write("cluster.yaml", "storage: {postgres: {connection_string: Password=second}}\n");

        var result = await _cli.RunAsync("cluster", "configure", "cluster.yaml", "-y");

        Assert.Equal(0, result.ExitCode);
        Assert.StartsWith("cluster cortex will be changed:\n  storage.postgres.connection_string: (hidden) becomes another one, (hidden)\n", result.Out, StringComparison.Ordinal);
        Assert.Contains("second", await File.ReadAllTextAsync(Path.Combine(_server.Directory, "cluster.yaml"), TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Up_EnvironmentPointsElsewhere_AsksFirst()
    {
        _cli.Configure("cortex");
        _cli.InputIsTerminal = true;
        _cli.Input = "n\n";

        var result = await _cli.RunAsync("cluster", "up");

        Assert.Equal((1, "the cortex environment points to http://cortex.test:8888; overwrite it? (y/n): "), (result.ExitCode, result.Error));
        Assert.Equal(0, (await _cli.RunAsync("cluster", "up", "-y")).ExitCode);
    }

    [Fact]
    public async Task Down_Running_RemovesEverything()
    {
        _cli.Configure("other");
        await _cli.RunAsync("cluster", "up");

        var result = await _cli.RunAsync("cluster", "down", "-y");

        Assert.Equal((0, "stopping the server ...\nremoved 2 containers\ncluster cortex is down\n", ""), (result.ExitCode, result.Out, result.Error));
        Assert.False(Directory.Exists(_server.Directory));
        Assert.Equal("other", Assert.Single(Config.Environments).Name);
        Assert.Equal("other", Config.DefaultEnvironment);
    }

    [Fact]
    public async Task Down_DirectoryHoldsSomethingElse_LeavesThat()
    {
        await _cli.RunAsync("cluster", "up");
        var own = Path.Combine(_server.Directory, "notes.txt");
        await File.WriteAllTextAsync(own, "mine", TestContext.Current.CancellationToken);
        await _server.StopAsync();

        var result = await _cli.RunAsync("cluster", "down", "-y");

        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.Equal([own], Directory.GetFileSystemEntries(_server.Directory));
    }

    [Fact]
    public async Task Down_NotRunning_StillCleansUp()
    {
        await _cli.RunAsync("cluster", "up");
        await _server.StopAsync();

        var result = await _cli.RunAsync("cluster", "down", "-y");

        Assert.Equal((0, "removed 2 containers\ncluster cortex is down\n"), (result.ExitCode, result.Out));
    }

    [Fact]
    public async Task Down_ServerIgnoresTheRequest_IsNotForgotten()
    {
        await _cli.RunAsync("cluster", "up");
        await File.WriteAllTextAsync(Path.Combine(_server.Directory, "refuse"), "", TestContext.Current.CancellationToken);

        var result = await _cli.RunAsync("cluster", "down", "-y");

        Assert.Equal(1, result.ExitCode);
        Assert.Equal("error: docker is not running\nerror: not everything of cluster cortex could be removed; mend what is said above and run `cortex cluster down --name cortex` again\n", result.Error);
        Assert.True(Directory.Exists(_server.Directory));
    }

    [Theory]
    [InlineData("--keep-data")]
    [InlineData("--keep-aws-resources")]
    public async Task Down_KeepData_LeavesItForTheNextUp(string flag)
    {
        await _cli.RunAsync("cluster", "up");
        var token = Config.Find("cortex")!.Token;
        await File.WriteAllTextAsync(Path.Combine(_server.Directory, "state.db"), "state", TestContext.Current.CancellationToken);

        var result = await _cli.RunAsync("cluster", "down", "-y", flag);

        Assert.Contains($"its data stays in {_server.Directory}", result.Out, StringComparison.Ordinal);
        Assert.Empty(Config.Environments);
        Assert.Equal(0, (await _cli.RunAsync("cluster", "up")).ExitCode);
        Assert.Equal(token, Config.Find("cortex")!.Token);
        Assert.True(File.Exists(Path.Combine(_server.Directory, "state.db")));
    }

    [Fact]
    public async Task Down_ConfigurationIsUnreadable_NamesTheWaysOutAndTakesThem()
    {
        await _cli.RunAsync("cluster", "up");
        var path = Path.Combine(_server.Directory, "cluster.yaml");
        await File.WriteAllTextAsync(path, "cluster_name: [\n", TestContext.Current.CancellationToken);

        foreach (var args in new[] { new[] { "cluster", "down", "-y" }, ["cluster", "up"] })
        {
            var refused = await _cli.RunAsync(args);
            Assert.Equal(1, refused.ExitCode);
            Assert.StartsWith($"error: {path}:", refused.Error, StringComparison.Ordinal);
            Assert.EndsWith("\n\nmend that file; or end the cluster with `cortex cluster down --name cortex` (--keep-data keeps its APIs), which does not need it, and start it again with `cortex cluster up FILE`\n", refused.Error, StringComparison.Ordinal);
        }

        Assert.True(_server.IsRunning);
        var result = await _cli.RunAsync("cluster", "down", "-y", "--name", "cortex");

        Assert.Equal((0, "stopping the server ...\nremoved 2 containers of cortex\ncluster cortex is down\n", ""), (result.ExitCode, result.Out, result.Error));
        Assert.False(Directory.Exists(_server.Directory));
        Assert.Empty(Config.Environments);
    }

    [Fact]
    public async Task Down_UnreadableConfigurationNamesAnotherDocker_IsRefused()
    {
        await _cli.RunAsync("cluster", "up");
        await File.WriteAllTextAsync(Path.Combine(_server.Directory, "cluster.yaml"), "docker: {host: unix:///run/podman/podman.sock}\nbogus: 1\n", TestContext.Current.CancellationToken);

        var result = await _cli.RunAsync("cluster", "down", "-y", "--name", "cortex");

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("bogus", result.Error, StringComparison.Ordinal);
        Assert.True(_server.IsRunning);
    }

    [Theory]
    [InlineData("up")]
    [InlineData("down")]
    public async Task UpDown_CliConfigurationIsUnreadable_ChangesNothingAndNamesTheWayOut(string verb)
    {
        await _cli.RunAsync("cluster", "up");
        await File.WriteAllTextAsync(_cli.ConfigFile, "environments: 3\n", TestContext.Current.CancellationToken);

        var result = await _cli.RunAsync("cluster", verb, "-y");

        Assert.Equal(1, result.ExitCode);
        Assert.Equal($"error: {_cli.ConfigFile}:1: environments must be a list\n\nmend that file, or move it away: `cortex cluster up` and `cortex env configure` write a new one, and no cluster is harmed\n", result.Error);
        Assert.True(_server.IsRunning);
    }

    [Fact]
    public async Task Down_QueuesAndBlobs_GoWithTheCluster()
    {
        await _cli.RunAsync("cluster", "up");
        foreach (var file in new[] { "queues.db", "queues.db-wal", "queues.db-reserve", "blobs/ab12/x.payload", "jobs.db", "jobs.db-wal", "jobs/train/69b02ad5/1.log" })
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(_server.Directory, file))!);
            await File.WriteAllTextAsync(Path.Combine(_server.Directory, file), "", TestContext.Current.CancellationToken);
        }

        Assert.Equal(0, (await _cli.RunAsync("cluster", "down", "-y")).ExitCode);

        Assert.False(Directory.Exists(_server.Directory));
    }

    [Fact]
    public async Task Down_NothingThere_SaysSo() =>
        Assert.Equal(new CliResult(0, "there is no cluster on this machine\n", ""), await _cli.RunAsync("cluster", "down"));

    [Fact]
    public async Task Down_Refused_ChangesNothing()
    {
        await _cli.RunAsync("cluster", "up");
        _cli.Input = "n\n";

        var result = await _cli.RunAsync("cluster", "down");

        Assert.Equal((1, "cluster cortex and all its running APIs will be stopped, and its data deleted; go on? (y/n): "), (result.ExitCode, result.Error));
        Assert.True(_server.IsRunning);
    }

    [Fact]
    public async Task Down_UnknownName_SaysWhichThereAre()
    {
        await _cli.RunAsync("cluster", "up");

        Assert.Equal("error: there is no cluster named nope on this machine (there are cortex); `cortex cluster up` makes one\n", (await _cli.RunAsync("cluster", "down", "-n", "nope")).Error);
    }

    [Fact]
    public async Task Configure_Changes_RestartTheServerAndMoveTheEnvironment()
    {
        await _cli.RunAsync("cluster", "up");
        var processId = _server.ProcessId;
        _cli.Write("cluster.yaml", "operator:\n  port: 9998\n");
        _cli.Input = "y\n";

        var result = await _cli.RunAsync("cluster", "configure", "cluster.yaml");

        Assert.Equal((0, "cluster cortex will be changed:\n  operator.port: 8888 becomes 9998\n    Port to listen on.\n\nThe environments on this machine follow to http://127.0.0.1:9998; on others `cortex env configure` changes the address.\ncluster cortex is running with its new configuration\n"), (result.ExitCode, result.Out));
        Assert.NotEqual(processId, _server.ProcessId);
        Assert.True(_server.IsRunning);
        Assert.Equal("http://127.0.0.1:9998", Config.Find("cortex")!.OperatorEndpoint);
    }

    [Fact]
    public async Task Configure_Plan_SaysWhatEachChangeMeans()
    {
        await _cli.RunAsync("cluster", "up");
        _cli.Write("cluster.yaml", "apis: {port: 9999}\ndocker: {cpu_overcommit: 2}\nstorage: {s3: {endpoint: 'https://s3.test'}}\nnat_gateway: single\nnode_groups: [{name: a, instance_type: x, spot: true}]\n");
        _cli.Input = "n\n";

        var result = await _cli.RunAsync("cluster", "configure", "cluster.yaml");

        Assert.Equal(1, result.ExitCode);
        Assert.Equal("note: nat_gateway has no effect on this machine\nnote: node_groups[0].spot has no effect on this machine\nits server restarts, which takes a second or two; APIs keep running. go on? (y/n): ", result.Error);
        Assert.Contains("\n  node_groups[0].name: a is new\n    Name, unique in the cluster", result.Out, StringComparison.Ordinal);
        Assert.StartsWith("cluster cortex will be changed:\n  apis.port: 8889 becomes 9999\n    Port to listen on.\n  docker.cpu_overcommit: 4 becomes 2\n    Processors that may be requested", result.Out, StringComparison.Ordinal);
        Assert.Contains("\n\nClients reach the APIs at http://127.0.0.1:9999 from then on, and no longer at http://127.0.0.1:8889.\n", result.Out, StringComparison.Ordinal);
        Assert.EndsWith("\nWhat lies in the storage that was used before stays there: nothing is moved.\n", result.Out, StringComparison.Ordinal);
        Assert.DoesNotContain("spot", result.Out, StringComparison.Ordinal);
        Assert.DoesNotContain("nat_gateway", result.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Configure_OnlyWhatHasNoEffect_RestartsNothingAndSaysSo()
    {
        await _cli.RunAsync("cluster", "up");
        var processId = _server.ProcessId;
        _cli.Write("cluster.yaml", "nat_gateway: single\n");

        Assert.Equal(new CliResult(0, "your cluster is already up to date\n", "note: nat_gateway has no effect on this machine\n"), await _cli.RunAsync("cluster", "configure", "cluster.yaml"));
        Assert.Equal(processId, _server.ProcessId);
    }

    [Fact]
    public async Task Up_Name_MakesACluster()
    {
        var made = Path.Combine(_cli.ConfigDirectory, "clusters", "staging");
        _server.NextStart("exit 7\n");

        Assert.Equal($"error: the server ended with code 7 and said nothing; its log is {made}/server.log\n", (await _cli.RunAsync("cluster", "up", "--name", "staging")).Error);
        Assert.StartsWith("error: --name:1:", (await _cli.RunAsync("cluster", "up", "--name", "No")).Error, StringComparison.Ordinal);
        _cli.Write("cluster.yaml", "cluster_name: other\n");
        Assert.StartsWith("error: cluster.yaml is for the cluster other, not staging", (await _cli.RunAsync("cluster", "up", "cluster.yaml", "--name", "staging")).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Up_AfterAKill_BringsBackTheClusterThatWasThereWhateverItsName()
    {
        Make("staging", 9001);

        var result = await _cli.RunAsync("cluster", "up");

        Assert.Contains("cluster:     staging\noperator:    http://127.0.0.1:9001\n", result.Out, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_server.Directory));
        await StopAsync("staging");
    }

    [Fact]
    public async Task Up_AfterAKillOfSeveral_AsksForAName()
    {
        Make("cortex", 8888);
        Make("staging", 9001);

        Assert.Equal(new CliResult(1, "", "error: which cluster? name it with `--name NAME` (there are cortex, staging)\n"), await _cli.RunAsync("cluster", "up"));

        Assert.Contains("cluster:     staging\n", (await _cli.RunAsync("cluster", "up", "--name", "staging")).Out, StringComparison.Ordinal);
        Assert.False(_server.IsRunning);
        await StopAsync("staging");
    }

    private void Make(string name, int operatorPort)
    {
        var directory = Path.Combine(_cli.ConfigDirectory, "clusters", name);
        Directory.CreateDirectory(directory);
        File.WriteAllText(Path.Combine(directory, "cluster.yaml"), $"cluster_name: {name}\noperator: {{port: {operatorPort}}}\n");
        _cli.Operator.On("GET /info", () => File.Exists(Path.Combine(directory, "answers")) ? JsonSerializer.Serialize(Apis.Info(name), WireJson.Contract.InfoResponse) : throw new HttpRequestException("Connection refused"));
    }

    private Task StopAsync(string name) =>
        ServerProcess.Find(new ClusterDirectory(Path.Combine(_cli.ConfigDirectory, "clusters", name)))?.StopAsync(TimeProvider.System, CancellationToken.None) ?? Task.CompletedTask;

    [Fact]
    public async Task Configure_NothingChanges_SaysSo()
    {
        await _cli.RunAsync("cluster", "up");
        _cli.Write("cluster.yaml", "# the defaults\noperator:\n  port: 8888\n");

        Assert.Equal(new CliResult(0, "your cluster is already up to date\n", ""), await _cli.RunAsync("cluster", "configure", "cluster.yaml"));
    }

    [Fact]
    public async Task Configure_Refused_ChangesNothing()
    {
        await _cli.RunAsync("cluster", "up");
        var processId = _server.ProcessId;
        _cli.Write("cluster.yaml", "apis:\n  port: 9999\n");
        _cli.Input = "n\n";

        Assert.Equal(1, (await _cli.RunAsync("cluster", "configure", "cluster.yaml")).ExitCode);
        Assert.Equal(processId, _server.ProcessId);
        Assert.Equal("{}\n", await File.ReadAllTextAsync(Path.Combine(_server.Directory, "cluster.yaml"), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Configure_ServerCannotStartWithIt_GoesBack()
    {
        await _cli.RunAsync("cluster", "up");
        _cli.Write("cluster.yaml", "apis:\n  port: 9999\n");
        _server.NextStart("grep -q 9999 \"$data/cluster.yaml\" && echo 'error: port 9999 is taken' >&2 && exit 1\ntrap 'rm -f \"$data/answers\"; exit 0' TERM\ntouch \"$data/answers\"\nwhile :; do sleep 0.02; done\n");

        var result = await _cli.RunAsync("cluster", "configure", "cluster.yaml", "-y");

        Assert.Equal((1, "error: port 9999 is taken\n\nthe cluster runs again with its previous configuration\n"), (result.ExitCode, result.Error));
        Assert.True(_server.IsRunning);
    }
}
