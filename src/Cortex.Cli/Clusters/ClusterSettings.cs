using Cortex.Core.Errors;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Cortex.Cli.Clusters;

/// <summary>What the command line needs to know of a cluster's configuration.</summary>
internal sealed record ClusterSettings
{
    public const string DefaultName = "cortex";
    private const int DefaultOperatorPort = 8888;
    private const int DefaultApiPort = 8889;

    public required string Name { get; init; }

    /// <summary>The operator's URL on this machine.</summary>
    public required string OperatorEndpoint { get; init; }

    /// <summary>The URL that every API's endpoint starts with.</summary>
    public required string ApiEndpoint { get; init; }

    /// <summary>Fields that the file sets and that mean nothing outside AWS.</summary>
    public IReadOnlyList<string> FieldsWithoutEffect { get; init; } = [];

    public static ClusterSettings Read(string path) => File.Exists(path)
        ? Parse(File.ReadAllText(path), path)
        : throw new CortexException("error", $"there is no file {path}");

    public static ClusterSettings Parse(string text, string path)
    {
        var stream = new YamlStream();
        try
        {
            stream.Load(new StringReader(text));
        }
        catch (YamlException exception)
        {
            throw new CortexException("error", $"{path}:{exception.Start.Line}: not valid YAML: {exception.Message}", exception);
        }

        var root = stream.Documents.Count == 0 ? new YamlMappingNode() : stream.Documents[0].RootNode as YamlMappingNode ?? new YamlMappingNode();
        string? Field(string key) => root.Children.TryGetValue(key, out var value) ? (value as YamlScalarNode)?.Value : null;
        return new ClusterSettings
        {
            Name = Field("cluster_name") ?? DefaultName,
            OperatorEndpoint = $"http://127.0.0.1:{Field("operator_port") ?? $"{DefaultOperatorPort}"}",
            ApiEndpoint = $"http://127.0.0.1:{Field("api_port") ?? $"{DefaultApiPort}"}",
        };
    }
}
