namespace Cortex.Gateway.Serving;

/// <summary>What a replica did wrong.</summary>
internal enum ReplicaFault
{
    /// <summary>It could not be reached.</summary>
    Unreachable,

    /// <summary>It got a request and gave no proper answer.</summary>
    BadAnswer,

    /// <summary>Its answer ended before its end.</summary>
    BrokenOff,
}
