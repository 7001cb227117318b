using System.Text.Json;
using System.Text.Json.Serialization;

namespace Cortex.Runtimes.Docker.Engine;

// The parts that we use of the Engine API's other objects; names are the API's own.

internal sealed record ErrorAnswer([property: JsonPropertyName("message")] string? Message);

internal sealed record EngineVersion
{
    public string Version { get; init; } = "";
    public string ApiVersion { get; init; } = "";

    /// <summary>As Go names it: amd64, arm64.</summary>
    public string Arch { get; init; } = "";

    public IReadOnlyList<EngineComponent>? Components { get; init; }

    /// <summary>Whether it is Podman, which differs in details.</summary>
    public bool IsPodman => Components?.Any(component => component.Name.StartsWith("Podman", StringComparison.Ordinal)) == true;
}

internal sealed record EngineComponent(string Name);

internal sealed record EngineInfo
{
    public int NCPU { get; init; }
    public long MemTotal { get; init; }

    /// <summary>The version of the engine's own init.</summary>
    public EngineCommit? InitCommit { get; init; }
    public IReadOnlyDictionary<string, JsonElement>? Runtimes { get; init; }
}

internal sealed record EngineCommit(string? ID);

internal sealed record CreateNetwork(string Name, string Driver, bool CheckDuplicate, IReadOnlyDictionary<string, string> Labels)
{
    // Said in words: an engine may be told to give every network IPv6.
    public bool EnableIPv6 { get; init; }

    public required IReadOnlyDictionary<string, string> Options { get; init; }

    public Ipam? IPAM { get; init; }
}

internal sealed record NetworkResource
{
    public string Id { get; init; } = "";
    public string Name { get; init; } = "";
    public DateTimeOffset Created { get; init; }
    public Ipam? IPAM { get; init; }
    public IReadOnlyDictionary<string, string>? Options { get; init; }
}

internal sealed record Ipam(IReadOnlyList<IpamPool>? Config);

internal sealed record IpamPool(string? Subnet, string? Gateway);

internal sealed record InspectedImage(ImageConfig? Config);

/// <summary>What an image runs by itself.</summary>
internal sealed record ImageConfig(IReadOnlyList<string>? Entrypoint, IReadOnlyList<string>? Cmd);

internal sealed record VolumeList(IReadOnlyList<Volume>? Volumes);

internal sealed record Volume(string Name, IReadOnlyDictionary<string, string>? Labels, DateTimeOffset CreatedAt);

internal sealed record CreateVolume(string Name, IReadOnlyDictionary<string, string> Labels);

/// <summary>One line of a pull's or load's progress.</summary>
internal sealed record ProgressLine
{
    [JsonPropertyName("id")]
    public string? Id { get; init; }

    [JsonPropertyName("error")]
    public string? Error { get; init; }

    [JsonPropertyName("progressDetail")]
    public ProgressDetail? Detail { get; init; }
}

internal sealed record ProgressDetail([property: JsonPropertyName("current")] long Current, [property: JsonPropertyName("total")] long Total);

internal sealed record EngineEvent
{
    /// <summary>The <see cref="Type"/> of what happens to networks.</summary>
    public const string Network = "network";

    /// <summary>The <see cref="Action"/> when a container leaves a network.</summary>
    public const string Disconnect = "disconnect";

    public string? Type { get; init; }
    public string Action { get; init; } = "";
    public EventActor? Actor { get; init; }
}

internal sealed record EventActor(string ID, IReadOnlyDictionary<string, string>? Attributes);

/// <summary>The <c>X-Registry-Auth</c> header's content.</summary>
internal sealed record RegistryAuth
{
    [JsonPropertyName("username")]
    public string? Username { get; init; }

    [JsonPropertyName("password")]
    public string? Password { get; init; }

    [JsonPropertyName("identitytoken")]
    public string? IdentityToken { get; init; }

    [JsonPropertyName("serveraddress")]
    public required string ServerAddress { get; init; }
}
