using System.Net;

namespace Cortex.Gateway.Tests.Support;

/// <summary>
/// Tests of forwarding that hold for every protocol of clients: the gateway's clients in them, raw ones too, speak the one that the
/// derived class names. What concerns one protocol alone stands in the class of that protocol.
/// </summary>
/// <param name="isHttp2">HTTP/2 without TLS; else HTTP/1.1.</param>
public abstract class ForwardingTests(bool isHttp2)
{
    /// <summary>The version that the clients of the running test speak.</summary>
    internal static Version Version => IsHttp2 ? HttpVersion.Version20 : HttpVersion.Version11;

    /// <summary>Whether they speak HTTP/2.</summary>
    internal static bool IsHttp2 => TestContext.Current.TestClassInstance is ForwardingTests { Http2: true };

    private bool Http2 => isHttp2;
}
