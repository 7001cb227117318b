using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Cortex.Testing;

/// <summary>Keeps what is logged as an error, with the message of its exception, and as a warning.</summary>
public sealed class RecordingLogger : ILoggerFactory, ILogger
{
    /// <summary>Errors and worse, oldest first, each with its exception's message.</summary>
    public ConcurrentQueue<string> Errors { get; } = [];

    /// <summary>Warnings, oldest first.</summary>
    public ConcurrentQueue<string> Warnings { get; } = [];

    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) => this;

    /// <inheritdoc/>
    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

    /// <inheritdoc/>
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    /// <inheritdoc/>
    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

    /// <inheritdoc/>
    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (logLevel >= LogLevel.Error)
        {
            Errors.Enqueue($"{formatter(state, exception)} {exception?.Message}");
        }
        else if (logLevel == LogLevel.Warning)
        {
            Warnings.Enqueue(formatter(state, exception));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
