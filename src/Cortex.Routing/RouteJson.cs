using System.Text.Json;
using System.Text.Json.Serialization;

namespace Cortex.Routing;

/// <summary>Writes routes as JSON and reads them again.</summary>
/// <remarks>
/// What a newer process adds to a route is passed over by an older one. What an older one leaves out is null, false or 0 whatever its initializer
/// says, so that a property which comes later must mean nothing then.
/// </remarks>
public static class RouteJson
{
    /// <summary>A snapshot as UTF-8 text. It holds secrets: the keys of callbacks.</summary>
    public static byte[] Write(RouteSnapshot routes) => JsonSerializer.SerializeToUtf8Bytes(routes, RouteJsonContext.Default.RouteSnapshot);

    /// <summary>A snapshot from its text.</summary>
    /// <exception cref="InvalidDataException">It is none; the message says what is wrong and where.</exception>
    public static RouteSnapshot Read(ReadOnlySpan<byte> text)
    {
        RouteSnapshot? routes;
        try
        {
            routes = JsonSerializer.Deserialize(text, RouteJsonContext.Default.RouteSnapshot);
        }
        catch (JsonException exception)
        {
            throw new InvalidDataException($"these are no routes: {exception.Message}", exception);
        }

        return routes ?? throw new InvalidDataException("these are no routes: null");
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true,
    AllowDuplicateProperties = false,
    Converters = [
        typeof(RouteListConverter<ReplicaAddress>), typeof(RouteListConverter<SplitTarget>), typeof(RouteListConverter<RealtimeRoute>),
        typeof(RouteListConverter<AsyncRoute>), typeof(RouteListConverter<JobRoute>), typeof(RouteListConverter<SplitRoute>)])]
[JsonSerializable(typeof(RouteSnapshot))]
[JsonSerializable(typeof(ReplicaAddress[]))]
[JsonSerializable(typeof(SplitTarget[]))]
[JsonSerializable(typeof(RealtimeRoute[]))]
[JsonSerializable(typeof(AsyncRoute[]))]
[JsonSerializable(typeof(JobRoute[]))]
[JsonSerializable(typeof(SplitRoute[]))]
internal sealed partial class RouteJsonContext : JsonSerializerContext;
