using System.Text.Json.Serialization;

namespace Cortex.Runtimes.Docker;

/// <summary>Writes a <see cref="PodDefinition"/> to a label and reads it back.</summary>
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, UseStringEnumConverter = true)]
[JsonSerializable(typeof(PodDefinition))]
internal sealed partial class PodJson : JsonSerializerContext;
