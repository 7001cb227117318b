using Cortex.Cli.Tests.Support;

namespace Cortex.Cli.Tests.Commands;

public sealed class UsageTests : IDisposable
{
    private readonly CliFixture _cli = new();

    public void Dispose() => _cli.Dispose();

    [Theory]
    [InlineData("foo", "error: \"cortex\" has no command \"foo\"; it has deploy, get,")]
    [InlineData("d", "error: \"cortex d\" could be deploy or describe or delete")]
    [InlineData("cluster fly", "error: \"cortex cluster\" has no command \"fly\"")]
    [InlineData("describe", "error: required argument 'API_NAME' missing")]
    [InlineData("deploy a b", "error: unrecognized command or argument 'b'")]
    [InlineData("get --bogus", "error: unknown flag: --bogus")]
    [InlineData("get -o xml", "error: --output is pretty, json or yaml, not \"xml\"")]
    [InlineData("deploy --timeout soon", "error: --timeout is a duration such as")]
    [InlineData("deploy --timeout -5s", "error: ")]
    [InlineData("logs x --tail -3", "error: --tail is 0 or more lines")]
    [InlineData("completion fish", "error: argument 'fish' not recognized")]
    public async Task Run_UsageMistake_SaysWhatAndExitsWithTwo(string words, string expected)
    {
        var result = await _cli.RunAsync(words.Split(' '));

        Assert.Equal((2, ""), (result.ExitCode, result.Out));
        Assert.StartsWith(expected, result.Error, StringComparison.Ordinal);
        Assert.Contains("\nusage: cortex", result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("-h")]
    [InlineData("--help")]
    [InlineData("cluster")]
    [InlineData("env -h")]
    [InlineData("describe -h")]
    [InlineData("deploy -h")]
    [InlineData("get -h")]
    [InlineData("logs -h")]
    [InlineData("refresh -h")]
    [InlineData("delete -h")]
    [InlineData("cluster up -h")]
    [InlineData("cluster down -h")]
    [InlineData("cluster info -h")]
    [InlineData("cluster health -h")]
    [InlineData("cluster export -h")]
    [InlineData("cluster configure -h")]
    [InlineData("env configure -h")]
    [InlineData("env list -h")]
    [InlineData("env default -h")]
    [InlineData("env rename -h")]
    [InlineData("env delete -h")]
    [InlineData("version -h")]
    [InlineData("completion -h")]
    public async Task Run_Help_IsPrintedWithExitZero(string words)
    {
        var result = await _cli.RunAsync(words.Split(' ', StringSplitOptions.RemoveEmptyEntries));

        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.Contains("Usage:\n  cortex", result.Out.Replace("\r", "", StringComparison.Ordinal), StringComparison.Ordinal);
    }

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
