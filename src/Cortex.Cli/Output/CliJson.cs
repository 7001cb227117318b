using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Cortex.Core.Wire;

namespace Cortex.Cli.Output;

/// <summary>The JSON that only the command line writes.</summary>
[JsonSourceGenerationOptions(UseStringEnumConverter = true)]
[JsonSerializable(typeof(IReadOnlyList<EnvironmentApis>))]
[JsonSerializable(typeof(EnvironmentList))]
[JsonSerializable(typeof(ClusterInfo))]
[JsonSerializable(typeof(SortedDictionary<string, bool>))]
[JsonSerializable(typeof(SortedDictionary<string, string>))]
[JsonSerializable(typeof(string))]
internal sealed partial class CliJson : JsonSerializerContext
{
    /// <summary>The context to use: snake case, wire shapes as the operator writes them.</summary>
    public static CliJson Compact { get; } = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Converters = { new NanosecondsConverter() },
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });
}

/// <summary>The APIs of one environment, or why they are not known.</summary>
internal sealed record EnvironmentApis(string EnvName, IReadOnlyList<ApiResponse>? Apis, string Error);

/// <summary>The configured environments; tokens are left out.</summary>
internal sealed record EnvironmentList(string? DefaultEnvironment, IReadOnlyList<EnvironmentEntry> Environments);

/// <summary>One configured environment.</summary>
internal sealed record EnvironmentEntry(string Name, string OperatorEndpoint);

/// <summary>What <c>cluster info</c> says.</summary>
internal sealed record ClusterInfo(
    JsonElement ClusterConfig,
    JsonElement ClusterMetadata,
    IReadOnlyList<WorkerNodeInfo> WorkerNodeInfos,
    IReadOnlyList<NodeInfo> OperatorNodeInfos,
    string EndpointOperator,
    string EndpointApi);
