namespace Cortex.Core.Specs;

/// <summary>An HTTP GET inside the pod.</summary>
/// <param name="Path">Starts with a slash and ends without one, unless it is the root.</param>
/// <param name="Port">1-65535.</param>
public sealed record HttpGetSpec(string Path, int Port);

/// <summary>A TCP connection inside the pod.</summary>
/// <param name="Port">1-65535.</param>
public sealed record TcpSocketSpec(int Port);

/// <summary>A command inside the container, run without a shell.</summary>
/// <param name="Command">The program and its arguments; never empty.</param>
public sealed record ExecSpec(IReadOnlyList<string> Command);

/// <summary>What runs before a container is told to stop. Exactly one handler is set.</summary>
public sealed record PreStopSpec
{
    /// <summary>An HTTP GET to the container.</summary>
    public HttpGetSpec? HttpGet { get; init; }

    /// <summary>A command in the container.</summary>
    public ExecSpec? Exec { get; init; }
}
