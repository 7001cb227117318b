using System.Text.Json.Serialization;

namespace Cortex.Runtimes.Docker.Engine;

/// <summary>Reads and writes the Engine API's JSON without reflection.</summary>
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(CreateContainer))]
[JsonSerializable(typeof(Created))]
[JsonSerializable(typeof(ListedContainer[]))]
[JsonSerializable(typeof(InspectedContainer))]
[JsonSerializable(typeof(CreateExec))]
[JsonSerializable(typeof(StartExec))]
[JsonSerializable(typeof(InspectedExec))]
[JsonSerializable(typeof(WaitedFor))]
[JsonSerializable(typeof(ContainerStats))]
[JsonSerializable(typeof(ErrorAnswer))]
[JsonSerializable(typeof(EngineVersion))]
[JsonSerializable(typeof(EngineInfo))]
[JsonSerializable(typeof(CreateNetwork))]
[JsonSerializable(typeof(NetworkResource[]))]
[JsonSerializable(typeof(VolumeList))]
[JsonSerializable(typeof(InspectedImage))]
[JsonSerializable(typeof(CreateVolume))]
[JsonSerializable(typeof(ProgressLine))]
[JsonSerializable(typeof(EngineEvent))]
[JsonSerializable(typeof(RegistryAuth))]
[JsonSerializable(typeof(Dictionary<string, string[]>))]
internal sealed partial class EngineJson : JsonSerializerContext;
