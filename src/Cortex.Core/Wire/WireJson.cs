using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Cortex.Core.Wire;

/// <summary>How everything on the wire is written: snake case, durations in nanoseconds, kinds by name.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    PropertyNameCaseInsensitive = true,
    UseStringEnumConverter = true,
    Converters = [typeof(NanosecondsConverter)])]
[JsonSerializable(typeof(DeployedSpec))]
[JsonSerializable(typeof(IReadOnlyList<ApiResponse>))]
[JsonSerializable(typeof(IReadOnlyList<DeployResult>))]
[JsonSerializable(typeof(ErrorResponse))]
[JsonSerializable(typeof(MessageResponse))]
[JsonSerializable(typeof(LogResponse))]
[JsonSerializable(typeof(InfoResponse))]
[JsonSerializable(typeof(Dictionary<string, string>))]
public sealed partial class WireJson : JsonSerializerContext
{
    // Each is made at its first use: a short command needs one of them at most.
    private static readonly Lazy<WireJson> ContractContext = new(() => new WireJson(OptionsWith(GoJsonEncoder.Instance)));
    private static readonly Lazy<WireJson> IndentedContext = new(() => new WireJson(new JsonSerializerOptions(OptionsWith(GoJsonEncoder.Instance)) { WriteIndented = true }));
    private static readonly Lazy<WireJson> BriefContext = new(() => new WireJson(new JsonSerializerOptions(OptionsWith(encoder: null)) { Converters = { new NoSpecConverter() } }));

    /// <summary>The context to use: escapes what the contract escapes.</summary>
    public static WireJson Contract => ContractContext.Value;

    /// <summary>The same, indented by two spaces, for people.</summary>
    public static WireJson Indented => IndentedContext.Value;

    /// <summary>Reads APIs without their specifications, whose many types take longer to prepare than all the rest.</summary>
    public static WireJson Brief => BriefContext.Value;

    // A context made with options of its own ignores the attribute's, so they are repeated here.
    private static JsonSerializerOptions OptionsWith(JavaScriptEncoder? encoder) => new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        PropertyNameCaseInsensitive = true,
        Converters = { new NanosecondsConverter() },
        Encoder = encoder,
    };
}

/// <summary>Durations on the wire are whole nanoseconds.</summary>
public sealed class NanosecondsConverter : JsonConverter<TimeSpan>
{
    /// <inheritdoc/>
    public override TimeSpan Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        TimeSpan.FromTicks(reader.GetInt64() / TimeSpan.NanosecondsPerTick);

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, TimeSpan value, JsonSerializerOptions options) =>
        writer.WriteNumberValue(value.Ticks * TimeSpan.NanosecondsPerTick);
}

/// <summary>Passes over specifications.</summary>
internal sealed class NoSpecConverter : JsonConverter<DeployedSpec>
{
    /// <inheritdoc/>
    public override DeployedSpec? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        reader.Skip();
        return null;
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, DeployedSpec value, JsonSerializerOptions options) =>
        throw new NotSupportedException("what was read briefly is not written");
}
