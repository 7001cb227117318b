using Cortex.Core.Specs;

namespace Cortex.Core.Tests.Specs;

/// <summary>What Linux could not start is refused at deploy, with its place, and costs next to nothing.</summary>
public sealed class LaunchTextTests
{
    private const string Head = "- name: a\n  kind: RealtimeAPI\n  pod:\n    containers:\n    - name: c\n      image: i\n";

    [Fact]
    public void Parse_VariablesThatDouble_AreRefusedWhereTheyAreTooLong()
    {
        var doubling = string.Concat(Enumerable.Range(1, 22).Select(i => $"        A{i:00}: $(A{i - 1:00})$(A{i - 1:00})\n"));
        var yaml = $"{Head}      env:\n        A00: {new string('x', 600)}\n{doubling}";
        ApiFileParser.Parse("f.yaml", yaml);
        var before = GC.GetAllocatedBytesForCurrentThread();

        var error = Assert.Single(ApiFileParser.Parse("f.yaml", yaml).Errors);

        Assert.Equal(("configreader.too_long", "pod.containers[0].env.A08", 16), (error.Kind, error.Path, error.Line));
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 20_000_000, $"{GC.GetAllocatedBytesForCurrentThread() - before} bytes");
    }

    [Fact]
    public void Parse_ManyReferencesToOneVariable_AreRefused()
    {
        var words = string.Concat(Enumerable.Repeat("$(A), ", 20));

        var error = Assert.Single(ApiFileParser.Parse("f.yaml", $"{Head}      env: {{A: {new string('x', 100_000)}}}\n      args: [{words}]\n").Errors);

        Assert.Equal(("configreader.too_long", "pod.containers[0].args[9]", 8), (error.Kind, error.Path, error.Line));
        Assert.StartsWith("makes command, args and env together larger than 1 MiB", error.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("command: [sh, \"{0}\"]", "command[1]", 'x', 131_071, 131_072)]
    [InlineData("command: [sh, -c, \"{0}\"]", "command[2]", 'x', 1, 300_000)]
    [InlineData("args: [\"{0}\"]", "args[0]", 'é', 65_535, 65_536)]
    [InlineData("env: {{ABC: \"{0}\"}}", "env.ABC", 'x', 131_067, 131_068)]
    [InlineData("liveness_probe: {{exec: {{command: [sh, \"{0}\"]}}}}", "liveness_probe.exec.command[1]", 'x', 131_071, 131_072)]
    [InlineData("pre_stop: {{exec: {{command: [sh, \"{0}\"]}}}}", "pre_stop.exec.command[1]", 'x', 131_071, 131_072)]
    public void Parse_LongWord_IsRefusedOverLinuxsBound(string field, string path, char character, int fits, int tooLong)
    {
        string Yaml(int length) => $"{Head}      {string.Format(System.Globalization.CultureInfo.InvariantCulture, field, new string(character, length))}\n";

        Assert.Empty(ApiFileParser.Parse("f.yaml", Yaml(fits)).Errors);
        var error = Assert.Single(ApiFileParser.Parse("f.yaml", Yaml(tooLong)).Errors);

        Assert.Equal(("configreader.too_long", $"pod.containers[0].{path}", 7), (error.Kind, error.Path, error.Line));
    }

    [Theory]
    [InlineData("'': x", "configreader.cannot_be_empty", "")]
    [InlineData("'A=B': x", "configreader.invalid_str", "A=B")]
    [InlineData("'=': x", "configreader.invalid_str", "=")]
    [InlineData("\"A\\0B\": x", "configreader.invalid_str", "A\uFFFDB")]
    [InlineData("A: \"x\\0y\"", "configreader.invalid_str", "A")]
    [InlineData("A: (hidden)", "configreader.disallowed_value", "A")]
    public void Parse_VariableThatIsNone_IsRefusedWithItsPlace(string entry, string kind, string name)
    {
        var error = Assert.Single(ApiFileParser.Parse("f.yaml", $"{Head}      env:\n        GOOD: x\n        {entry}\n").Errors);

        Assert.Equal((kind, $"pod.containers[0].env.{name}", 9, 9), (error.Kind, error.Path, error.Line, error.Column));
    }

    [Fact]
    public void Parse_ArgumentWithNul_IsRefused() =>
        Assert.Equal("configreader.invalid_str", Assert.Single(ApiFileParser.Parse("f.yaml", $"{Head}      args: [a, \"b\\0\"]\n").Errors).Kind);

    [Fact]
    public void Expand_VariablesReferToThoseBefore_WordsToAll()
    {
        var text = LaunchText.Expand([new("A", "1$(B)"), new("B", "2$(A)"), new("A", "3$(B)")], ["$(A)", "$(C)"], [], out var fault)!;

        Assert.Null(fault);
        Assert.Equal([new("A", "321$(B)"), new("B", "21$(B)")], text.Env);
        Assert.Equal(["321$(B)", "$(C)"], text.Command!);
        Assert.Null(text.Args);
    }
}
