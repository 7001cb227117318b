namespace Cortex.Gateway.Replicas;

/// <summary>What a header means to a proxy.</summary>
public enum HeaderKind
{
    /// <summary>Passed on as it is.</summary>
    EndToEnd,

    /// <summary>Speaks of one connection only; not passed on.</summary>
    Hop,

    /// <summary>Hop by hop, and names others that are.</summary>
    Connection,

    /// <summary>Frames the body.</summary>
    ContentLength,

    /// <summary>Frames the body.</summary>
    TransferEncoding,

    /// <summary>The protocol to switch to; passed on in a request to switch and in its 101 answer.</summary>
    Upgrade,

    /// <summary>Written by the gateway in its own way.</summary>
    Own,
}
