using Cortex.Runtimes.Docker;
using Microsoft.Extensions.Logging;

namespace Cortex.Runtimes.Tests.Docker;

/// <summary>Shows a runtime's log with <c>-diagnostics</c>.</summary>
internal sealed class DiagnosticLogger : ILogger<DockerRuntime>
{
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        TestContext.Current.SendDiagnosticMessage("{0} {1} {2}", TestContext.Current.Test?.TestDisplayName ?? "", formatter(state, exception), exception?.ToString() ?? "");
}
