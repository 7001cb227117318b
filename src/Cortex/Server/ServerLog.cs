using System.Collections.Concurrent;
using System.Globalization;
using Cortex.Background;

namespace Cortex.Server;

/// <summary>Writes one line per event to a stream, and keeps the log file below a bound. Who logs is never blocked, and gets no error.</summary>
/// <remarks>When the file is full it becomes <c>FILE.1</c>, whose former content is lost, and starts anew.</remarks>
internal sealed class ServerLog : ILoggerProvider
{
    private const int DroppedEvent = 4004;

    private readonly ConcurrentDictionary<string, ILogger> _loggers = new(StringComparer.Ordinal);
    private readonly TimeProvider _time;
    private readonly string? _path;
    private readonly long _maxBytes;
    private readonly LogWriter _writer;

    // The writer's thread alone uses these.
    private Stream _stream;
    private long _written;
    private long _turnAt;

    /// <summary>Logs to standard error.</summary>
    public ServerLog(TimeProvider time)
        : this(null, long.MaxValue, time)
    {
    }

    /// <summary>Logs to a file that grows to <paramref name="maxBytes"/> at most, plus one predecessor of that size.</summary>
    public ServerLog(string? path, long maxBytes, TimeProvider time)
    {
        _time = time;
        _stream = Console.OpenStandardError();
        _path = path;
        _maxBytes = _turnAt = maxBytes;
        _written = path is not null && File.Exists(path) ? new FileInfo(path).Length : 0;
        _writer = new LogWriter(Write, dropped => Line(LogLevel.Warning, nameof(ServerLog), DroppedEvent, $"{dropped} lines dropped: they came quicker than they could be written."));
    }

    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) =>
        _loggers.GetOrAdd(categoryName, name => new Category(this, name));

    /// <summary>Returns when everything is written, for two seconds at most; for the moment before a crash.</summary>
    public void Flush() => _writer.Flush(TimeSpan.FromSeconds(2));

    /// <inheritdoc/>
    public void Dispose() => _writer.Dispose();

    private void Write(ReadOnlyMemory<byte> line)
    {
        if (_path is not null && _written > 0 && _written + line.Length > _turnAt)
        {
            Turn(_path);
        }

        _stream.Write(line.Span);
        _stream.Flush();
        _written += line.Length;
    }

    private void Turn(string path)
    {
        try
        {
            // Standard error is the file, so pointing it at a new one moves everything that writes there.
            if (File.Exists(path))
            {
                File.Move(path, path + ".1", overwrite: true);
            }

            Detach.RedirectOutput(path);
            _stream = Console.OpenStandardError();
            (_written, _turnAt) = (0, _maxBytes);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // No new file can be made now. The old one is better than none, and it is tried again when that has grown by a tenth.
            _turnAt = _written + (_maxBytes / 10);
        }
    }

    private string Line(LogLevel logLevel, string category, int eventId, string text)
    {
        var level = logLevel switch { LogLevel.Warning => "WARN", LogLevel.Error => "ERROR", LogLevel.Critical => "FATAL", _ => "INFO" };
        return string.Create(CultureInfo.InvariantCulture, $"{_time.GetUtcNow():yyyy-MM-ddTHH:mm:ss.fffZ} {level} {category}[{eventId}] {text}");
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

            try
            {
                log._writer.Add(log.Line(logLevel, _name, eventId.Id, exception is null ? formatter(state, exception) : $"{formatter(state, exception)} | {exception}"));
            }
            catch (Exception trouble)
            {
                // A value that has no text, or no memory for it: who logs must not hear of it.
                log._writer.Add(log.Line(logLevel, _name, eventId.Id, $"(has no text: {trouble.GetType()})"));
            }
        }
    }
}
