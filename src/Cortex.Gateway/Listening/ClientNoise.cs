using Microsoft.Extensions.Logging;

namespace Cortex.Gateway.Listening;

/// <summary>
/// Loggers for the web server. What it says of single connections (a reset at a bad moment, malformed frames) it says partly as
/// critical errors with a stack, though any client can cause it: those are debug lines here. All else stays as it is.
/// </summary>
internal sealed class ClientNoise(ILoggerFactory loggers) : ILoggerFactory
{
    private static readonly string[] _ofConnections =
    [
        "Microsoft.AspNetCore.Server.Kestrel.Http2",
        "Microsoft.AspNetCore.Server.Kestrel.Connections",
        "Microsoft.AspNetCore.Server.Kestrel.BadRequests",
        "Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets",
    ];

    public ILogger CreateLogger(string categoryName)
    {
        var logger = loggers.CreateLogger(categoryName);
        return _ofConnections.Contains(categoryName) ? new Quiet(logger) : logger;
    }

    public void AddProvider(ILoggerProvider provider) => loggers.AddProvider(provider);

    /// <summary>Leaves the loggers to their owner.</summary>
    public void Dispose()
    {
    }

    private sealed class Quiet(ILogger inner) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => inner.BeginScope(state);

        public bool IsEnabled(LogLevel logLevel) => inner.IsEnabled(Lower(logLevel));

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            inner.Log(Lower(logLevel), eventId, state, exception, formatter);

        private static LogLevel Lower(LogLevel level) => level > LogLevel.Debug && level != LogLevel.None ? LogLevel.Debug : level;
    }
}
