using Cortex.Core.Yaml;

namespace Cortex.Core.Tests.Yaml;

public sealed class YamlDialectTests
{
    [Theory]
    // Plain scalars of YAML 1.1.
    [InlineData("yes", "true")]
    [InlineData("[y, Y, On, TRUE]", "[true,true,true,true]")]
    [InlineData("[n, No, off, False]", "[false,false,false,false]")]
    [InlineData("[yEs, tRUE]", """["yEs","tRUE"]""")]
    [InlineData("[~, null, Null, NULL, ]", "[null,null,null,null]")]
    [InlineData("[010, 0x10, 0b11, 0o17, 1_000, -5, +7]", "[8,16,3,15,1000,-5,7]")]
    [InlineData("[18446744073709551615, -9223372036854775808]", "[18446744073709551615,-9223372036854775808]")]
    [InlineData("[08, 1.0, 1e3, .5, 1., -2.5e-3]", "[8,1,1000,0.5,1,-0.0025]")]
    [InlineData("[.inf, -.INF, .nan]", """[".inf","-.INF",".nan"]""")]
    [InlineData("[1:30, 0x, _1, 1e, 2020-01-01, 1.2.3]", """["1:30","0x","_1","1e","2020-01-01","1.2.3"]""")]
    [InlineData("['yes', \"1\", '~']", """["yes","1","~"]""")]
    [InlineData("|\n  yes\n", "\"yes\\n\"")]
    // Tags.
    [InlineData("[!!str 1, !!int 0x10, !!float 2, !!bool yes, !!null ~, !mine 5]", """["1",16,2,true,null,"5"]""")]
    // Anchors, aliases, merges, duplicates.
    [InlineData("[&a {x: 1}, *a]", """[{"x":1},{"x":1}]""")]
    [InlineData("{b: &b {x: 1, y: 1}, c: {<<: *b, y: 2}}", """{"b":{"x":1,"y":1},"c":{"y":2,"x":1}}""")]
    [InlineData("{b: &b {x: 1}, c: {x: 2, <<: *b}}", """{"b":{"x":1},"c":{"x":2}}""")]
    [InlineData("{c: {<<: [{x: 1}, {x: 2, y: 2}]}}", """{"c":{"x":1,"y":2}}""")]
    [InlineData("{x: 1, x: 2}", """{"x":2}""")]
    [InlineData("[&a 1, *a, &a 2, *a]", "[1,1,2,2]")]
    // Documents.
    [InlineData("---\na\n---\nb: [\n", "\"a\"")]
    [InlineData("%YAML 1.1\n---\na\n...\n", "\"a\"")]
    [InlineData("\uFEFFa: b", """{"a":"b"}""")]
    [InlineData("a: b # c\r\nd: e\r\n", """{"a":"b","d":"e"}""")]
    // References.
    [InlineData("[@a, \"@b\", '@c', x@y, {k: @d}]", """["@a","@b","@c","x@y",{"k":"@d"}]""")]
    [InlineData("a: |\n  @x\n  @y\n", """{"a":"@x\n@y\n"}""")]
    [InlineData("a: 1 # @\nb: '\uE000'", "{\"a\":1,\"b\":\"\uE000\"}")]
    public void Read_Text_HasGoYamlsMeaning(string text, string json)
    {
        var (root, fault) = YamlReader.Read(text);

        Assert.Null(fault);
        Assert.Equal(json, YamlJson.ToJson(root!).GetRawText());
    }

    [Fact]
    public void Read_UnquotedAt_IsAReference()
    {
        var list = (YamlList)YamlReader.Read("[@a, '@a', a@a]").Root!;

        Assert.Equal([YamlScalarType.Reference, YamlScalarType.String, YamlScalarType.String], list.Items.Cast<YamlScalar>().Select(scalar => scalar.Type));
    }

    // Each of these the library refuses by itself. The values are those of libyaml, which go-yaml is a translation of.
    [Theory]
    [InlineData("a: \"foo\nbar\"\n", """{"a":"foo bar"}""")]
    [InlineData("a:\n  b: \"foo\n bar\"\n", """{"a":{"b":"foo bar"}}""")]
    [InlineData("a:\n  b: \"foo\n  bar\"\n", """{"a":{"b":"foo bar"}}""")]
    [InlineData("- \"foo\nbar\"\n- x", """["foo bar","x"]""")]
    [InlineData("- a: \"foo\n\nbar\"\n  b: c", """[{"a":"foo\nbar","b":"c"}]""")]
    [InlineData("a: \"x\\\ny\"", """{"a":"xy"}""")]
    [InlineData("a: \"x \\\"\ny\"", """{"a":"x \" y"}""")]
    [InlineData("a: [foo\nbar]\n", """{"a":["foo bar"]}""")]
    [InlineData("a: [foo,\nbar]\n", """{"a":["foo","bar"]}""")]
    [InlineData("a: {b: foo\nbar}\n", """{"a":{"b":"foo bar"}}""")]
    [InlineData("a: [\"foo\nbar\"]\n", """{"a":["foo bar"]}""")]
    [InlineData("a:\n  b: [foo,\n  bar]\n", """{"a":{"b":["foo","bar"]}}""")]
    [InlineData("a:\n  b: [foo,\n bar\n ]\n", """{"a":{"b":["foo","bar"]}}""")]
    [InlineData("- command: [sh, -c, \"a\n  b\"]", """[{"command":["sh","-c","a b"]}]""")]
    [InlineData("a:\n- [x\n- y]\n", """{"a":[["x - y"]]}""")]
    [InlineData("a: [x\n? y]", """{"a":["x ? y"]}""")]
    [InlineData("a: [\n# c\nx]", """{"a":["x"]}""")]
    [InlineData("- x: [\"a\n- b\"]", """[{"x":["a - b"]}]""")]
    [InlineData("a: |\n  \"x\n y: [\n  ]\nb: \"c\nd\"\n", null)]
    [InlineData("a: |\n  \"x\n  y: [\n  ]\nb: \"c\nd\"\n", """{"a":"\"x\ny: [\n]\n","b":"c d"}""")]
    [InlineData("- a: |\n   \"x\n  b: \"c\nd\"\n", """[{"a":"\"x\n","b":"c d"}]""")]
    [InlineData("a: it's [x\n  \"y\nb: \"c\nd\"\n", """{"a":"it's [x \"y","b":"c d"}""")]
    [InlineData("a: x # [ \"\nb: [c\n,d] # \"\ne: \"f\ng\"", """{"a":"x","b":["c","d"],"e":"f g"}""")]
    [InlineData("a: 'it''s \"'\nb: \"c\nd\"\n", """{"a":"it's \"","b":"c d"}""")]
    [InlineData("a: \"b\n---\nc\"", null)]
    public void Read_FurtherLinesWithoutIndentation_AreTakenAsGoYamlDoes(string text, string? json)
    {
        var (root, fault) = YamlReader.Read(text);

        Assert.Equal(json is null, root is null);
        Assert.Equal(json is null, fault is not null);
        if (json is not null)
        {
            Assert.Equal(json, YamlJson.ToJson(root!).GetRawText());
        }
    }

    [Fact]
    public void Read_FurtherLineWithoutIndentation_KeepsItsPlace()
    {
        var map = (YamlMap)YamlReader.Read("a:\n  bcd: [x,\ny, \n z]\n").Root!;

        var list = (YamlList)((YamlMap)map.Entries[0].Value).Entries[0].Value;
        Assert.Equal([new Place(2, 9), new Place(3, 1), new Place(4, 2)], list.Items.Select(item => item.Place));
    }

    [Fact]
    public void Read_ManyFurtherLinesBelowALongOne_AreNotBlownUp()
    {
        var before = GC.GetAllocatedBytesForCurrentThread();

        var (root, _) = YamlReader.Read("? " + new string('k', 400_000) + "\n: [" + string.Concat(Enumerable.Repeat("\n", 300_000)) + "{" + new string(' ', 300_000) + "[\na,]");

        Assert.Null(root);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 100_000_000);
    }

    [Theory]
    [InlineData("a: b\n c: d\n", 2)]
    [InlineData("a: 'b", 1)]
    [InlineData("a: `b", 1)]
    [InlineData("a:\n  - b\n c", 3)]
    [InlineData("a: \"\\ud800\"", 1)]
    [InlineData("a: b\nc: \u0001", 2)]
    [InlineData("a: b\r\nc: d\re: \u0001", 3)]
    [InlineData("? [a\n", 2)]
    public void Read_NotYaml_SaysWhere(string text, int line)
    {
        var (root, fault) = YamlReader.Read(text);

        Assert.Null(root);
        Assert.Equal(line, fault!.Place.Line);
        Assert.NotEmpty(fault.Message);
    }

    [Fact]
    public void Read_HalfASurrogatePair_SaysWhere() => Assert.Equal(new Place(1, 4), YamlReader.Read("a: " + '\ud800').Fault!.Place);

    [Fact]
    public void Read_Nodes_KnowTheirPlaces()
    {
        var map = (YamlMap)YamlReader.Read("# comment\na: b\nc:\n  - \"ü\": 1\n    d: [x, y]\n").Root!;

        Assert.Equal(new Place(2, 1), map.Entries[0].Key.Place);
        Assert.Equal(new Place(2, 4), map.Entries[0].Value.Place);
        var inner = (YamlMap)((YamlList)map.Entries[1].Value).Items[0];
        Assert.Equal(new Place(4, 5), inner.Place);
        Assert.Equal(new Place(5, 12), ((YamlList)inner.Entries[1].Value).Items[1].Place);
    }
}
