using System.Text.RegularExpressions;
using Cortex.Core.Clusters;
using Cortex.Core.Specs;

namespace Cortex.Cli.Tests.Guide;

/// <summary>Whoever copies YAML out of the guide has something that is taken.</summary>
public sealed partial class GuideYamlTests
{
    /// <summary>Shows alternatives side by side, of which only one may be written.</summary>
    private const string Alternatives = "readiness_probe:";

    public static TheoryData<string, string> Blocks => [.. GuidePages.Blocks("yaml").Where(block => !block.Text.StartsWith(Alternatives, StringComparison.Ordinal)).Select(block => (block.Place, block.Text))];

    [Theory]
    [MemberData(nameof(Blocks))]
    public void Yaml_IsValid(string place, string yaml)
    {
        if (ApiStart().IsMatch(yaml))
        {
            Assert.Empty(ApiFileParser.Parse(place, yaml).Errors.Select(error => error.ToString()));
        }
        else if (ApiKey().IsMatch(yaml))
        {
            Assert.Empty(ApiFileParser.Parse(place, Complete(yaml)).Errors.Select(error => error.ToString()));
        }
        else
        {
            Assert.Empty(ClusterConfigParser.Parse(place, yaml).Errors.Select(error => error.ToString()));
        }
    }

    [Fact]
    public void ApiConfiguration_ShowsEveryKind()
    {
        var shown = GuidePages.Blocks("yaml").Where(block => block.Place.StartsWith("docs/guide/api-configuration.md:", StringComparison.Ordinal) && ApiStart().IsMatch(block.Text))
            .SelectMany(block => ApiFileParser.Parse(block.Place, block.Text).Apis).Select(api => api.Kind);

        Assert.Equal(Enum.GetValues<ApiKind>().Order(), shown.Distinct().Order());
    }

    // A part of an API gets the rest of one around it.
    private static string Complete(string part)
    {
        var kind = Kind().Match(part) is { Success: true } named ? named.Groups[1].Value
            : Regex.IsMatch(part, "^ *(jobs|schedule):", RegexOptions.Multiline) ? "TaskAPI"
            : Regex.IsMatch(part, "^ *(apis|sticky|canary):", RegexOptions.Multiline) ? "TrafficSplitter"
            : "RealtimeAPI";
        var rest = Kind().Replace(part, "");
        var indented = rest.StartsWith("  ", StringComparison.Ordinal) ? rest : Regex.Replace(rest, "^(?=.)", "  ", RegexOptions.Multiline);
        var pod = kind == "TrafficSplitter" ? (part.Contains("apis:", StringComparison.Ordinal) ? "" : "  apis: [{name: b, weight: 100}]\n") : "  pod: {containers: [{name: a, image: a, command: [a]}]}\n";
        return $"- name: a\n  kind: {kind}\n{pod}{indented}";
    }

    [GeneratedRegex(@"\A(#.*\n)*- name:")]
    private static partial Regex ApiStart();

    [GeneratedRegex(@"\A(#.*\n)*( *)(kind|pod|networking|autoscaling|update_strategy|jobs|schedule|apis|sticky|canary|queue):.*\n(?! +(sources|history))")]
    private static partial Regex ApiKey();

    [GeneratedRegex(@"^kind: (\w+)\n", RegexOptions.Multiline)]
    private static partial Regex Kind();
}
