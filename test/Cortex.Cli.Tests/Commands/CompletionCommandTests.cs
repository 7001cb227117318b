using System.Diagnostics;
using Cortex.Cli.Tests.Support;

namespace Cortex.Cli.Tests.Commands;

public sealed class CompletionCommandTests : IDisposable
{
    private readonly CliFixture _cli = new();

    public void Dispose() => _cli.Dispose();

    [Theory]
    [InlineData("cortex clu", "cluster")]
    [InlineData("cortex rollback hello --ti", "--timeout")]
    [InlineData("cortex cluster d", "down")]
    [InlineData("cortex cluster up --y", "--yes")]
    [InlineData("cortex get -e prod --wat", "--watch")]
    [InlineData("cortex completion z", "zsh")]
    [InlineData("cx env re", "rename")]
    [InlineData("cortex async su", "submit")]
    [InlineData("cortex async submit texts --idem", "--idempotency-key")]
    [InlineData("cortex async retry texts --all", "--all-failed")]
    public async Task Bash_Words_AreCompleted(string line, string expected)
    {
        var script = _cli.Write("completion.bash", (await _cli.RunAsync("completion", "bash")).Out);
        var words = line.Split(' ');
        var array = string.Join(' ', words.Select(word => $"'{word}'"));

        var (exitCode, output) = await BashAsync($"shopt -s expand_aliases; source '{script}'; COMP_WORDS=({array}); COMP_CWORD={words.Length - 1}; _cortex; echo \"${{COMPREPLY[*]}}\"; alias cx");

        Assert.Equal((0, $"{expected}\nalias cx='cortex'\n"), (exitCode, output));
    }

    [Fact]
    public async Task Bash_Script_Parses()
    {
        var script = _cli.Write("completion.bash", (await _cli.RunAsync("completion", "bash")).Out);

        Assert.Equal((0, ""), await BashAsync($"bash -n '{script}' 2>&1"));
    }

    [Fact]
    public async Task Zsh_Script_DefinesTheSameWords()
    {
        var (bash, zsh) = ((await _cli.RunAsync("completion", "bash")).Out, (await _cli.RunAsync("completion", "zsh")).Out);

        Assert.Equal(Words(bash), Words(zsh));
        Assert.Contains("\" cluster up\") echo \"-e --configure-env -y --yes --help\" ;;", zsh, StringComparison.Ordinal);
        Assert.EndsWith("compdef _cortex cortex\nalias cx='cortex'\ncompdef _cortex cx\n", zsh, StringComparison.Ordinal);

        static string Words(string script) => script[script.IndexOf("__cortex_words()", StringComparison.Ordinal)..script.IndexOf("_cortex() {", StringComparison.Ordinal)];
    }

    private static async Task<(int ExitCode, string Output)> BashAsync(string command)
    {
        using var bash = Process.Start(new ProcessStartInfo("bash", ["-c", command]) { RedirectStandardOutput = true })!;
        var output = await bash.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await bash.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (bash.ExitCode, output);
    }
}
