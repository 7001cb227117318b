using System.Text.Json.Serialization;
using Cortex.Jobs.Schedules;

namespace Cortex.Jobs;

/// <summary>How records are stored.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UseStringEnumConverter = true,
    IgnoreReadOnlyProperties = true)]
[JsonSerializable(typeof(JobRecord))]
[JsonSerializable(typeof(ScheduleState))]
[JsonSerializable(typeof(IReadOnlyCollection<string>))]
internal sealed partial class JobJsonContext : JsonSerializerContext;
