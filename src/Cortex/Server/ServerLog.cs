using System.Collections.Concurrent;
using System.Globalization;
using System.Text;

namespace Cortex.Server;

/// <summary>Writes one line per event to a stream, and keeps the log file below a bound.</summary>
/// <remarks>When the file is full it becomes <c>FILE.1</c>, whose former content is lost, and starts anew.</remarks>
internal sealed class ServerLog : ILoggerProvider
{
    private readonly ConcurrentDictionary<string, ILogger> _loggers = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();
    private readonly TimeProvider _time;
    private readonly string? _path;
    private readonly long _maxBytes;
    private Stream _stream;
    private long _written;

    /// <summary>Logs to standard error.</summary>
    public ServerLog(TimeProvider time)
    {
        _time = time;
        _stream = Console.OpenStandardError();
    }

    /// <summary>Logs to a file that grows to <paramref name="maxBytes"/> at most, plus one predecessor of that size.</summary>
    public ServerLog(string path, long maxBytes, TimeProvider time)
        : this(time)
    {
        _path = path;
        _maxBytes = maxBytes;
        _written = File.Exists(path) ? new FileInfo(path).Length : 0;
    }

    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) =>
        _loggers.GetOrAdd(categoryName, name => new Category(this, name));

    /// <inheritdoc/>
    public void Dispose() => _stream.Dispose();

    private void Write(string line)
    {
        var bytes = Encoding.UTF8.GetBytes(line);
        lock (_lock)
        {
            if (_path is not null && _written > 0 && _written + bytes.Length > _maxBytes)
            {
                // Standard error is the file, so pointing it at a new one moves everything that writes there.
                File.Move(_path, _path + ".1", overwrite: true);
                Detach.RedirectOutput(_path);
                _stream = Console.OpenStandardError();
                _written = 0;
            }

            _stream.Write(bytes);
            _stream.Flush();
            _written += bytes.Length;
        }
    }

    private sealed class Category(ServerLog log, string category) : ILogger
    {
        private readonly string _name = category[(category.LastIndexOf('.') + 1)..];

        // The framework tells of every request; only its troubles matter here.
        private readonly LogLevel _least = category.StartsWith("Microsoft.", StringComparison.Ordinal) ? LogLevel.Warning : LogLevel.Information;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= _least;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (!IsEnabled(logLevel))
            {
                return;
            }

            var level = logLevel switch { LogLevel.Warning => "WARN", LogLevel.Error => "ERROR", LogLevel.Critical => "FATAL", _ => "INFO" };
            var line = new StringBuilder()
                .Append(log._time.GetUtcNow().ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture))
                .Append(' ').Append(level).Append(' ').Append(_name).Append('[').Append(eventId.Id).Append("] ")
                .Append(formatter(state, exception));
            if (exception is not null)
            {
                line.Append(" | ").Append(exception);
            }

            log.Write(line.Append('\n').ToString());
        }
    }
}
