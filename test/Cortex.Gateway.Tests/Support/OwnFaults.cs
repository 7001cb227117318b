using System.Diagnostics.CodeAnalysis;

namespace Cortex.Gateway.Tests.Support;

/// <summary>Errors that only a bug of ours throws.</summary>
internal static class OwnFaults
{
    /// <summary>One of each kind, by name, as a theory's data.</summary>
    public static TheoryData<string> Names => [nameof(ObjectDisposedException), nameof(InvalidOperationException), nameof(ArgumentException), nameof(NullReferenceException)];

    [SuppressMessage("Usage", "CA2201:Do not raise reserved exception types", Justification = "As the runtime would.")]
    public static Exception Make(string name) => name switch
    {
        nameof(ObjectDisposedException) => new ObjectDisposedException("something of ours"),
        nameof(InvalidOperationException) => new InvalidOperationException("a bug"),
        nameof(ArgumentException) => new ArgumentException("a bug"),
        _ => new NullReferenceException("a bug"),
    };
}
