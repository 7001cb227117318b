using System.Text.Json.Serialization;

namespace Cortex.Runtimes.Docker.Engine;

// The parts that we use of the Engine API's container objects; names are the API's own.

internal sealed record CreateContainer
{
    public required string Image { get; init; }
    public string? Hostname { get; init; }
    public IReadOnlyList<string>? Entrypoint { get; init; }
    public IReadOnlyList<string>? Cmd { get; init; }
    public IReadOnlyList<string>? Env { get; init; }
    public required IReadOnlyDictionary<string, string> Labels { get; init; }
    public IReadOnlyDictionary<string, Empty>? ExposedPorts { get; init; }
    public required HostConfig HostConfig { get; init; }
}

internal sealed record Empty;

internal sealed record HostConfig
{
    public string? NetworkMode { get; init; }
    public IReadOnlyList<string>? ExtraHosts { get; init; }
    public IReadOnlyDictionary<string, PortBinding[]?>? PortBindings { get; init; }
    public IReadOnlyList<Mount>? Mounts { get; init; }
    public LogConfig? LogConfig { get; init; }
    public IReadOnlyList<string>? CapDrop { get; init; }
    public IReadOnlyList<string>? CapAdd { get; init; }
    public IReadOnlyList<string>? SecurityOpt { get; init; }
    public long CpuShares { get; init; }
    public long Memory { get; init; }
    public long MemorySwap { get; init; }
    public long? PidsLimit { get; init; }
    public int OomScoreAdj { get; init; }
    public long ShmSize { get; init; }
    public bool Privileged { get; init; }
    public bool Init { get; init; }
    public bool AutoRemove { get; init; }
    public IReadOnlyList<DeviceRequest>? DeviceRequests { get; init; }
}

internal sealed record PortBinding(string HostIp, string HostPort);

internal sealed record LogConfig(string Type, IReadOnlyDictionary<string, string>? Config);

internal sealed record DeviceRequest(string Driver, IReadOnlyList<string> DeviceIDs, IReadOnlyList<string[]> Capabilities);

internal sealed record Mount(string Type, string Source, string Target, VolumeOptions VolumeOptions);

internal sealed record VolumeOptions(bool NoCopy, IReadOnlyDictionary<string, string> Labels);

internal sealed record Created(string Id);

/// <summary>One row of the container list.</summary>
internal sealed record ListedContainer
{
    public required string Id { get; init; }
    public IReadOnlyList<string> Names { get; init; } = [];
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();
    public string State { get; init; } = "";
    public HostConfig? HostConfig { get; init; }

    /// <summary>The first name, without the slash that the engine puts in front.</summary>
    [JsonIgnore]
    public string Name => Names.Count > 0 ? Names[0].TrimStart('/') : Id;
}

internal sealed record InspectedContainer
{
    public required string Id { get; init; }
    public string Name { get; init; } = "";
    public DateTimeOffset Created { get; init; }
    public required ContainerState State { get; init; }
    public required ContainerConfig Config { get; init; }
    public HostConfig? HostConfig { get; init; }

    /// <summary>Files on the engine's machine; empty when there are none.</summary>
    public string HostsPath { get; init; } = "";
    public string ResolvConfPath { get; init; } = "";
    public string HostnamePath { get; init; } = "";
    public ContainerNetworks? NetworkSettings { get; init; }
}

internal sealed record ContainerConfig
{
    /// <summary>The signal that asks it to end; null for SIGTERM.</summary>
    public string? StopSignal { get; init; }
    public IReadOnlyDictionary<string, string>? Labels { get; init; }
}

internal sealed record ContainerState
{
    /// <summary>created, running, paused, restarting, removing, exited or dead.</summary>
    public string Status { get; init; } = "";
    public bool Running { get; init; }
    public bool OOMKilled { get; init; }

    /// <summary>The number of its first process on the engine's machine; 0 when it does not run.</summary>
    public int Pid { get; init; }
    public int ExitCode { get; init; }
    public string Error { get; init; } = "";
    public DateTimeOffset StartedAt { get; init; }
    public DateTimeOffset FinishedAt { get; init; }
}

internal sealed record WaitedFor(int StatusCode);

internal sealed record ContainerNetworks
{
    public IReadOnlyDictionary<string, Endpoint>? Networks { get; init; }
    public IReadOnlyDictionary<string, PortBinding[]?>? Ports { get; init; }
}

internal sealed record Endpoint(string? IPAddress);

internal sealed record CreateExec(IReadOnlyList<string> Cmd, bool AttachStdout, bool AttachStderr)
{
    public IReadOnlyList<string>? Env { get; init; }
}

internal sealed record StartExec(bool Detach, bool Tty);

/// <param name="Running">Whether the engine has begun to start it, and it has not ended.</param>
/// <param name="ExitCode">Null before it has ended.</param>
/// <param name="Pid">On the engine's machine; 0 before it has begun.</param>
internal sealed record InspectedExec(bool Running, int? ExitCode, int Pid)
{
    [JsonIgnore]
    public bool HasEnded => !Running && ExitCode is not null;
}

internal sealed record ContainerStats
{
    [JsonPropertyName("cpu_stats")]
    public CpuStats? Cpu { get; init; }

    [JsonPropertyName("memory_stats")]
    public MemoryStats? Memory { get; init; }

    /// <summary>Bytes that can't be had back without ending something: what is used, less files' pages that nobody has touched for a while.</summary>
    [JsonIgnore]
    public long WorkingSet
    {
        get
        {
            var counters = Memory?.Counters;
            var inactive = counters is null ? 0
                : counters.TryGetValue("total_inactive_file", out var v1) ? (long)v1
                : counters.TryGetValue("inactive_file", out var v2) ? (long)v2 : 0;
            return Math.Max(0, (Memory?.Usage ?? 0) - inactive);
        }
    }
}

internal sealed record CpuStats([property: JsonPropertyName("cpu_usage")] CpuUsage? Usage);

/// <param name="TotalNanoseconds">Since the container's start.</param>
internal sealed record CpuUsage([property: JsonPropertyName("total_usage")] long TotalNanoseconds);

internal sealed record MemoryStats
{
    [JsonPropertyName("usage")]
    public long Usage { get; init; }

    /// <summary>Counters of the memory control group.</summary>
    [JsonPropertyName("stats")]
    public IReadOnlyDictionary<string, ulong>? Counters { get; init; }
}
