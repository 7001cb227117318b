using System.Text.Json.Serialization;

namespace Cortex.Core.Specs;

/// <summary>What a container asks of its machine. Quantities keep the user's own text.</summary>
public sealed record ComputeSpec
{
    /// <summary>A quantity of processors (<c>200m</c>, <c>0.5</c>, <c>2</c>); null asks for none.</summary>
    public string? Cpu { get; init; } = "200m";

    /// <summary>A quantity of bytes (<c>512Mi</c>); null asks for none.</summary>
    public string? Mem { get; init; }

    /// <summary>The bytes of memory that it may use at most (<c>2Gi</c>); null leaves that to the cluster. Left out then: Cortex 0.42 has no such key.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? MemLimit { get; init; }

    /// <summary>Whole GPUs.</summary>
    public long Gpu { get; init; }

    /// <summary>Whole Inferentia chips.</summary>
    public long Inf { get; init; }

    /// <summary>The size of <c>/dev/shm</c> as a quantity of bytes; null keeps the runtime's default.</summary>
    public string? Shm { get; init; }
}
