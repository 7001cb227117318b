using System.Text.Json;
using Cortex.Cli.Output;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Cortex.Cli.Tests.Output;

public sealed class YamlTextTests
{
    public static TheoryData<string> AwkwardStrings => new(
        "", "plain", "with space", " leading", "trailing ", "true", "no", "Null", "~", "1", "-1", "1.5", "1e3", "0x1F", "2021-09-21", "12:30:00", ".5",
        "a: b", "a #b", "#x", "- x", "[a]", "{a}", "*a", "&a", "!a", "%a", "@a", "`a", "'q'", "\"q\"", "a\nb", "a\nb\n", "\n", " a\nb", "a\n  b\n", "a\n\n",
        "tab\there", "\u0007bell", "über", "日本", "\ud83d\ude00", "a\rb", "a\u2028b", "?", "? x", ":", "key:", "---", "...", "<<", "=", "back\\slash", "200m", "100%", "k8s.io/x");

    [Theory]
    [MemberData(nameof(AwkwardStrings))]
    public void Document_AnyString_ReadsBackTheSame(string value)
    {
        var json = JsonSerializer.SerializeToElement(new Dictionary<string, string> { ["key"] = value, ["other"] = "x" });

        var root = Parse(YamlText.Document(json));

        Assert.Equal(value, ((YamlScalarNode)root["key"]).Value);
        Assert.Equal("x", ((YamlScalarNode)root["other"]).Value);
    }

    [Theory]
    [MemberData(nameof(AwkwardStrings))]
    public void Scalar_AnyString_StaysOnOneLineAndReadsBackTheSame(string value)
    {
        var text = YamlText.Scalar(value);

        Assert.DoesNotContain('\n', text);
        Assert.Equal(value, ((YamlScalarNode)Parse($"key: {text}\n")["key"]).Value);
    }

    [Theory]
    [InlineData("true")]
    [InlineData("1.10")]
    [InlineData("null")]
    [InlineData("2021-09-21")]
    [InlineData("1e3")]
    public void Document_StringThatLooksLikeSomethingElse_IsQuoted(string value) =>
        Assert.Equal(ScalarStyle.DoubleQuoted, ((YamlScalarNode)Parse(YamlText.Document(JsonSerializer.SerializeToElement(new Dictionary<string, string> { ["key"] = value })))["key"]).Style);

    [Theory]
    [InlineData("50m")]
    [InlineData("64Mi")]
    [InlineData("10%")]
    [InlineData("/hello")]
    [InlineData("with space")]
    public void Scalar_OrdinaryText_IsNotQuoted(string value) => Assert.Equal(value, YamlText.Scalar(value));

    [Fact]
    public void Document_NestedValues_HaveTheirOwnForm()
    {
        using var json = JsonDocument.Parse("""[{"name":"a","count":1,"f":1.5,"b":true,"z":null,"list":["x",{"k":"v"}],"none":[],"empty":{}}]""");

        Assert.Equal("- name: a\n  count: 1\n  f: 1.5\n  b: true\n  z: null\n  list:\n  - x\n  - k: v\n  none: []\n  empty: {}\n", YamlText.Document(json.RootElement));
    }

    private static YamlMappingNode Parse(string yaml)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(yaml));
        return (YamlMappingNode)stream.Documents[0].RootNode;
    }
}
