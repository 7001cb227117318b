using Cortex.Core.Yaml;

namespace Cortex.Core.Tests.Yaml;

/// <summary>YAML of the guide that is not for Cortex, such as Prometheus' rules, is YAML all the same.</summary>
public sealed class GuideYamlTests
{
    private const string Fence = "\n```yaml prometheus\n";

    [Fact]
    public void Yaml_ForPrometheus_CanBeRead()
    {
        var blocks = Directory.GetFiles(Path.Combine(Repository.Root, "docs", "guide"), "*.md", SearchOption.AllDirectories)
            .SelectMany(page => File.ReadAllText(page).Split(Fence).Skip(1).Select(rest => rest[..rest.IndexOf("\n```", StringComparison.Ordinal)])).ToArray();

        Assert.NotEmpty(blocks);
        Assert.All(blocks, block => Assert.IsType<YamlMap>(YamlReader.Read(block).Root));
    }
}
