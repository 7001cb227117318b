using System.CommandLine;
using System.CommandLine.Parsing;
using Cortex.Cli.Async;
using Cortex.Cli.Commands;
using Cortex.Cli.Output;
using Cortex.Cli.Tests.Support;
using Cortex.Client;

namespace Cortex.Cli.Tests.Commands;

public sealed class UsageTests : IDisposable
{
    private readonly CliFixture _cli = new();

    public void Dispose() => _cli.Dispose();

    [Theory]
    [InlineData("foo", "error: \"cortex\" has no command \"foo\"; it has deploy, get,")]
    [InlineData("delpoy", "error: \"cortex\" has no command \"delpoy\"; did you mean deploy?")]
    [InlineData("d", "error: \"cortex d\" could be deploy or describe or delete")]
    [InlineData("cluster fly", "error: \"cortex cluster\" has no command \"fly\"")]
    [InlineData("describe", "error: required argument 'API_NAME' missing")]
    [InlineData("deploy a b", "error: unrecognized command or argument 'b'")]
    [InlineData("get --bogus", "error: unknown flag: --bogus\n")]
    [InlineData("--bogus", "error: unknown flag: --bogus\n")]
    [InlineData("cluster --bogus", "error: unknown flag: --bogus\n")]
    [InlineData("cluster info --bogus", "error: unknown flag: --bogus\n")]
    [InlineData("cluster info --seting", "error: unknown flag: --seting; did you mean --settings?\n")]
    [InlineData("deploy --bogus x.yaml", "error: unknown flag: --bogus\n")]
    [InlineData("get x --wach", "error: unknown flag: --wach; did you mean --watch?\n")]
    [InlineData("env list --insecur=true", "error: unknown flag: --insecur=true; did you mean --insecure?\n")]
    [InlineData("help fly", "error: \"cortex\" has no command \"fly\"")]
    [InlineData("help cluster fly", "error: \"cortex cluster\" has no command \"fly\"")]
    [InlineData("get -o xml", "error: --output is pretty, json or yaml, not \"xml\"")]
    [InlineData("deploy --timeout soon", "error: --timeout is a duration such as")]
    [InlineData("deploy --timeout -5s", "error: ")]
    [InlineData("logs x --tail -3", "error: --tail is 0 or more lines")]
    [InlineData("completion tcsh", "error: argument 'tcsh' not recognized")]
    public async Task Run_UsageMistake_SaysWhatAndExitsWithTwo(string words, string expected)
    {
        var result = await _cli.RunAsync(words.Split(' '));

        Assert.Equal((2, ""), (result.ExitCode, result.Out));
        Assert.StartsWith(expected, result.Error, StringComparison.Ordinal);
        Assert.Contains("\nusage: cortex", result.Error, StringComparison.Ordinal);
    }

    public static TheoryData<string> EveryCommand => [.. All(Tree).Select(CommandHelp.PathOf)];

    private static Command Tree => CortexCommand.Create(new CliFixture().Host(TextWriter.Null, TextWriter.Null));

    [Theory]
    [MemberData(nameof(EveryCommand))]
    public async Task Run_Help_SaysHowAndShowsExamples(string path)
    {
        var words = path.Split(' ')[1..];
        var result = await _cli.RunAsync([.. words, "-h"]);

        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.Contains($"\nUsage:\n  {path} ", result.Out, StringComparison.Ordinal);
        Assert.Contains("\n  -h, --help", result.Out, StringComparison.Ordinal);
        Assert.True(result.Out.Contains("\nCommands:\n", StringComparison.Ordinal) || result.Out.Contains($"\nExamples:\n  cortex ", StringComparison.Ordinal) || result.Out.Contains("\nExamples:\n  source", StringComparison.Ordinal));
        Assert.Equal(result, await _cli.RunAsync(["help", .. words]));
        Assert.Equal(result, await _cli.RunAsync([.. words, "--help"]));
        Assert.All(result.Out.Split('\n'), line => Assert.True(line.Split("[default").Length <= 2, line));
    }

    [Fact]
    public void Examples_OfEveryCommand_Parse()
    {
        var tree = Tree;
        foreach (var command in All(tree).Where(command => command.Subcommands.Count == 0))
        {
            Assert.NotEmpty(CommandHelp.ExamplesOf(command));
            foreach (var line in CommandHelp.ExamplesOf(command))
            {
                // What the shell does with it is not ours.
                var ours = line.Split([" | ", "source <("], StringSplitOptions.None).Where(part => part.Contains("cortex ", StringComparison.Ordinal)).Select(part => Parse(tree, part)).ToArray();
                Assert.All(ours, parsed => Assert.True(parsed.Errors.Count == 0, $"{line}: {(parsed.Errors is [var error, ..] ? error.Message : "")}"));
                Assert.Contains(ours, parsed => parsed.CommandResult.Command == command);
            }
        }
    }

    [Fact]
    public async Task Run_Help_ShowsWhatIsOptional()
    {
        var help = (await _cli.RunAsync("help")).Out;

        Assert.Contains("\n  deploy [CONFIG_FILE] ", help, StringComparison.Ordinal);
        Assert.Contains("\n  get [API_NAME] [JOB_ID] ", help, StringComparison.Ordinal);
        Assert.Contains("\n  describe API_NAME ", help, StringComparison.Ordinal);
        Assert.Contains("\n  cortex async cancel API_NAME ID... [flags]\n", (await _cli.RunAsync("help", "async", "cancel")).Out, StringComparison.Ordinal);
        Assert.Contains(" --wait [DURATION] ", (await _cli.RunAsync("help", "async", "get")).Out, StringComparison.Ordinal);
        Assert.Contains("such as 90s or 1h30m [default: 10m]\n", (await _cli.RunAsync("deploy", "-h")).Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("cluster")]
    public async Task Run_GroupAlone_IsItsHelp(string words)
    {
        string[] typed = words.Split(' ', StringSplitOptions.RemoveEmptyEntries);

        Assert.Equal(await _cli.RunAsync([.. typed, "-h"]), await _cli.RunAsync(typed));
    }

    [Fact]
    public async Task Run_Version_IsPrinted()
    {
        Assert.Equal(new CliResult(0, $"cortex {ProductVersion.Current}\n", ""), await _cli.RunAsync("--version"));
        Assert.Empty(_cli.Operator.Requests);
    }

    private static ParseResult Parse(Command tree, string typed)
    {
        var words = typed[typed.IndexOf("cortex ", StringComparison.Ordinal)..].Split([" > ", ")"], StringSplitOptions.None)[0];
        words += typed.StartsWith("xargs ", StringComparison.Ordinal) ? " 1" : "";
        var split = CommandLineParser.SplitCommandLine(words.Replace("'{\"text\": \"hello\"}'", "{}", StringComparison.Ordinal)).Skip(1);
        return tree.Parse(WaitOption.Expand([.. split]));
    }

    private static IEnumerable<Command> All(Command command) => command.Subcommands.SelectMany(All).Prepend(command);

    [Theory]
    [InlineData("e l")]
    [InlineData("env li")]
    [InlineData("en list")]
    public async Task Run_UnambiguousPrefixes_FindTheCommand(string words) =>
        Assert.Equal("no environments are configured\n", (await _cli.RunAsync(words.Split(' '))).Out);

    [Fact]
    public async Task Run_BrokenConfiguration_IsAnErrorWithItsPlace()
    {
        Directory.CreateDirectory(_cli.ConfigDirectory);
        await File.WriteAllTextAsync(_cli.ConfigFile, "environments:\n- nme: x\n", TestContext.Current.CancellationToken);

        var result = await _cli.RunAsync("env", "list");

        Assert.Equal(1, result.ExitCode);
        Assert.StartsWith($"error: {_cli.ConfigFile}:2: ", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_ErrorOnATerminal_IsBold()
    {
        _cli.ErrorIsTerminal = true;

        Assert.StartsWith("\e[1merror: there is no environment named x", (await _cli.RunAsync("env", "default", "x")).Error, StringComparison.Ordinal);
    }
}
