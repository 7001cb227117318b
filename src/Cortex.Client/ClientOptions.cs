using Cortex.Client.Calling;

namespace Cortex.Client;

/// <summary>How a <see cref="CortexClient"/> goes about its calls.</summary>
public sealed record ClientOptions
{
    /// <summary>The longest wait for one answer, beyond what the cluster was asked to wait; 600 seconds unless set. Uploads have 24 hours.</summary>
    public TimeSpan AnswerTimeout { get; init; } = TimeSpan.FromSeconds(600);

    /// <summary>
    /// Whether calls are repeated, three times within two seconds, where that does nothing twice: nothing was sent, or it only asks, or it has an
    /// idempotency key. True unless set.
    /// </summary>
    public bool Retries { get; init; } = true;

    /// <summary>The clock that waits and timeouts go by.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Makes the transport for an address of an environment's cluster; the client disposes of it.</summary>
    internal Func<Uri, CortexEnvironment, HttpMessageHandler> Transport { get; init; } = OperatorTransport.Create;
}
