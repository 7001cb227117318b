namespace Cortex.Gateway.Replicas;

/// <summary>How a message's body is delimited.</summary>
internal enum BodyKind
{
    /// <summary>No body and no header that speaks of one.</summary>
    None,

    /// <summary>As many bytes as announced; perhaps 0.</summary>
    Sized,

    /// <summary>Chunks, ended by an empty one.</summary>
    Chunked,
}
