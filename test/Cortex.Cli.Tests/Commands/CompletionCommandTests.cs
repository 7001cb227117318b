using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using Cortex.Cli.Commands;
using Cortex.Cli.Completing;
using Cortex.Cli.Output;
using Cortex.Cli.Tests.Support;
using Cortex.Client;
using Cortex.Client.Environments;
using Cortex.Core.Specs;
using Cortex.Core.Wire;

namespace Cortex.Cli.Tests.Commands;

public sealed class CompletionCommandTests : IDisposable
{
    private readonly CliFixture _cli = new() { Time = TimeProvider.System };

    public CompletionCommandTests()
    {
        _cli.Configure("prod", "dev");
        _cli.Operator.On<IReadOnlyList<ApiResponse>>("GET /get", [Apis.Listed("hello"), Apis.Listed("texts", ApiKind.AsyncAPI), Apis.Listed("train", ApiKind.TaskAPI), Apis.Listed("score", ApiKind.BatchAPI)], WireJson.Contract.IReadOnlyListApiResponse);
        var train = Apis.Detailed("train", ApiKind.TaskAPI) with { TaskJobStatuses = [JsonDocument.Parse("""{"job_id":"a1"}""").RootElement, JsonDocument.Parse("""{"job_id":"b2"}""").RootElement] };
        _cli.Operator.On<IReadOnlyList<ApiResponse>>("GET /get/train", [train], WireJson.Contract.IReadOnlyListApiResponse);
    }

    public void Dispose() => _cli.Dispose();

    [Theory]
    [InlineData("clu", "cluster")]
    [InlineData("rollback hello --ti", "--timeout")]
    [InlineData("rollback --wait train ", "newer older")]
    [InlineData("cluster d", "down")]
    [InlineData("clu in", "info")]
    [InlineData("cluster up --y", "--yes")]
    [InlineData("cluster up ", ":files")]
    [InlineData("deploy cor", ":files")]
    [InlineData("job submit train -f ", ":files")]
    [InlineData("get -e prod --wat", "--watch")]
    [InlineData("get -o y", "yaml")]
    [InlineData("completion z", "zsh")]
    [InlineData("env re", "rename")]
    [InlineData("env delete ", "prod dev")]
    [InlineData("env rename p", "prod")]
    [InlineData("env rename prod ", "")]
    [InlineData("get --env ", "prod dev")]
    [InlineData("get ", "hello score texts train")]
    [InlineData("describe h", "hello")]
    [InlineData("delete train ", "a1 b2")]
    [InlineData("logs train b", "b2")]
    [InlineData("async submit ", "texts")]
    [InlineData("async submit texts --idem", "--idempotency-key")]
    [InlineData("async retry texts --all", "--all-failed")]
    [InlineData("job submit ", "score train")]
    [InlineData("job submit train --config=a=b --wo", "--workers")]
    [InlineData("get nothing ", "")]
    [InlineData("get --insec", "--insecure")]
    [InlineData("fly ", "")]
    public async Task Complete_WordsBeforeTheCursor_AreUnderstood(string typed, string expected)
    {
        var result = await _cli.RunAsync(["__complete", .. typed.Split(' ')]);

        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.Equal(expected, string.Join(' ', result.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries)));
    }

    [Theory]
    [InlineData("get --env dev ", "http://dev.test:8888")]
    [InlineData("get --env=dev ", "http://dev.test:8888")]
    [InlineData("get ", "http://prod.test:8888")]
    public async Task Complete_Names_AreThoseOfTheEnvironment(string typed, string expected)
    {
        await _cli.RunAsync(["__complete", .. typed.Split(' ')]);

        Assert.Equal(expected, Assert.Single(_cli.Operator.Requests).Uri.GetLeftPart(UriPartial.Authority));
    }

    [Fact]
    public async Task Complete_Failures_AreSilentAndChangeNothing()
    {
        _cli.RefuseConnections();
        Assert.Equal(new CliResult(0, "", ""), await _cli.RunAsync("__complete", "get", ""));
        Assert.Equal(new CliResult(0, "", ""), await _cli.RunAsync("__complete", "get", "--env", "nope", ""));

        new CliConfigStore(_cli.ConfigDirectory).Save(new CliConfig { Environments = [new CortexEnvironment { Name = "only", OperatorEndpoint = "http://only.test" }] });
        await _cli.RunAsync("__complete", "get", "");
        Assert.Null(new CliConfigStore(_cli.ConfigDirectory).Load().DefaultEnvironment);

        await File.WriteAllTextAsync(_cli.ConfigFile, "environments: 3\n", TestContext.Current.CancellationToken);
        Assert.Equal(new CliResult(0, "", ""), await _cli.RunAsync("__complete", "get", ""));
        Assert.Equal(new CliResult(0, "", ""), await _cli.RunAsync("__complete", "env", "delete", ""));
        Assert.Equal("deploy\ndescribe\ndelete\n", (await _cli.RunAsync("__complete", "de")).Out);
    }

    [Fact]
    public async Task Complete_OperatorIsSilent_EndsWithinASecondOrSo()
    {
        _cli.Transport = _ => new SilentTransport();
        var began = Stopwatch.GetTimestamp();

        Assert.Equal(new CliResult(0, "", ""), await _cli.RunAsync("__complete", "get", ""));

        Assert.InRange(Stopwatch.GetElapsedTime(began).TotalSeconds, 0.5, 30);
    }

    [Fact]
    public void Placeholders_ThatNameSomething_AreCompleted()
    {
        string[] free =
        [
            "NEW_NAME", "COMMAND", "ID", "URL", "TOKEN", "REGION", "DURATION", "LINES", "N", "KEY=VALUE", "TEXT", "TYPE", "KEY", "'NAME: VALUE'", "CURSOR",
        ];
        var symbols = All(CortexCommand.Create(_cli.Host(TextWriter.Null, TextWriter.Null)))
            .SelectMany(command => command.Arguments.Cast<Symbol>().Concat(command.Options.Where(CommandHelp.TakesValue)));

        Assert.Empty(symbols.Where(symbol => !Completion.Knows(symbol)).Select(symbol => (symbol as Option)?.HelpName ?? symbol.Name).Distinct().Except(free));

        static IEnumerable<Command> All(Command command) => command.Subcommands.SelectMany(All).Prepend(command);
    }

    [Theory]
    [InlineData("cortex clu", "clu")]
    [InlineData("cx get he", "get|he")]
    public async Task Bash_Script_AsksForTheWordsAndTakesTheAnswer(string line, string asked)
    {
        var words = line.Split(' ');
        var script = _cli.Write("completion.bash", (await _cli.RunAsync("completion", "bash")).Out);
        var array = string.Join(' ', words.Select(word => $"'{word}'"));

        var (exitCode, output) = await BashAsync($$"""
            shopt -s expand_aliases; source '{{script}}'
            cortex() { local IFS='|'; echo "$*" >asked; printf 'one\ntwo words\n'; }
            COMP_WORDS=({{array}}); COMP_CWORD={{words.Length - 1}}; _cortex; printf '%s;' "${COMPREPLY[@]}"; cat asked; alias cx
            """);

        Assert.Equal((0, $"one;two words;__complete|{asked}\nalias cx='cortex'\n"), (exitCode, output));
    }

    [Fact]
    public async Task Bash_Script_CompletesFilesWhereFilesAreMeant()
    {
        _cli.Write("cluster.yaml", "");
        var script = _cli.Write("completion.bash", (await _cli.RunAsync("completion", "bash")).Out);

        Assert.Equal((0, "cluster.yaml"), await BashAsync($"source '{script}'; cortex() {{ echo :files; }}; COMP_WORDS=(cortex cluster up clus); COMP_CWORD=3; _cortex; printf '%s' \"${{COMPREPLY[*]}}\""));
    }

    [Theory]
    [InlineData("bash", "bash -n")]
    [InlineData("zsh", "zsh -n")]
    [InlineData("fish", "fish -n")]
    public async Task Script_Parses(string shell, string check)
    {
        var script = _cli.Write($"completion.{shell}", (await _cli.RunAsync("completion", shell)).Out);
        Assert.SkipUnless((await BashAsync($"command -v {shell}")).ExitCode == 0, $"there is no {shell} on this machine");

        Assert.Equal((0, ""), await BashAsync($"{check} '{script}' 2>&1"));
    }

    private async Task<(int ExitCode, string Output)> BashAsync(string command)
    {
        using var bash = Process.Start(new ProcessStartInfo("bash", ["-c", command]) { RedirectStandardOutput = true, WorkingDirectory = _cli.WorkingDirectory })!;
        var output = await bash.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await bash.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (bash.ExitCode, output);
    }

    private sealed class SilentTransport : HttpMessageHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            await Task.Delay(Timeout.Infinite, cancellationToken);
            throw new InvalidOperationException();
        }
    }
}
