using System.Globalization;
using System.Text;

namespace Cortex.Background;

/// <summary>Lines on their way to a log. Adding one never blocks, never throws, and never waits for what writes them.</summary>
/// <remarks>
/// One thread writes. While that fails, or is slower than what comes, lines wait up to a bound; what comes beyond it is dropped and counted,
/// and a line says how many as soon as it can be written. A failed write is tried again each second: on a disk that was full the
/// log goes on where it stopped.
/// </remarks>
public sealed class LogWriter : IDisposable
{
    // As many lines as are kept for a disk without room, or for a reader that does not read.
    internal const int MaxLines = 8192;
    internal const int MaxChars = 2 * 1024 * 1024;
    private const int MaxLine = 64 * 1024;
    private static readonly TimeSpan _retry = TimeSpan.FromSeconds(1);

    private readonly object _lock = new();   // guards what follows it; never held while something is written
    private readonly Queue<string> _lines = new();
    private int _chars;
    private long _dropped;
    private bool _isFailing;
    private bool _isWriting;
    private bool _ends;
    private readonly Action<ReadOnlyMemory<byte>> _write;
    private readonly Func<long, string> _droppedLine;
    private readonly Thread _writer;

    /// <summary>Begins to write.</summary>
    /// <param name="write">Writes some whole lines, through to where they last. May block, and may throw.</param>
    /// <param name="droppedLine">The line, without its end, that says how many were dropped.</param>
    public LogWriter(Action<ReadOnlyMemory<byte>> write, Func<long, string> droppedLine)
    {
        _write = write;
        _droppedLine = droppedLine;
        _writer = new Thread(WriteAll) { IsBackground = true, Name = "log writer" };
        _writer.Start();
    }

    /// <summary>Lines that were dropped and not yet told of.</summary>
    public long Dropped
    {
        get
        {
            lock (_lock)
            {
                return _dropped;
            }
        }
    }

    /// <summary>Adds a line, without its end. One that is very long is cut.</summary>
    public void Add(string line)
    {
        line = line.Length <= MaxLine ? line : line[..MaxLine] + "...";
        lock (_lock)
        {
            if (_ends || _lines.Count >= MaxLines || _chars + line.Length > MaxChars)
            {
                _dropped++;
                return;
            }

            _lines.Enqueue(line);
            _chars += line.Length;
            Monitor.PulseAll(_lock);
        }
    }

    /// <summary>Returns when what was added is written, when writing fails, or when the time is up.</summary>
    /// <returns>Whether everything was written.</returns>
    public bool Flush(TimeSpan patience)
    {
        var until = Environment.TickCount64 + (long)patience.TotalMilliseconds;
        lock (_lock)
        {
            while ((_lines.Count > 0 || _isWriting || _dropped > 0) && !_isFailing)
            {
                var left = until - Environment.TickCount64;
                if (left <= 0)
                {
                    return false;
                }

                Monitor.Wait(_lock, (int)left);
            }

            return !_isFailing;
        }
    }

    /// <summary>Writes what is left, for two seconds at most; what comes later is dropped.</summary>
    public void Dispose()
    {
        Flush(TimeSpan.FromSeconds(2));
        lock (_lock)
        {
            _ends = true;
            Monitor.PulseAll(_lock);
        }
    }

    private void WriteAll()
    {
        var torn = false;
        while (Next() is var (line, dropped, isLine) && line is not null)
        {
            try
            {
                // A write that failed may have left a part of a line.
                _write(Encoding.UTF8.GetBytes(string.Concat(torn ? "\n" : "", line, "\n")));
                torn = false;
                Written(dropped, isLine);
            }
            catch (Exception)
            {
                torn = true;
                Pause();
            }
        }
    }

    // The next line to write, which stays in its place until it is written; null at the end.
    private (string? Line, long Dropped, bool IsLine) Next()
    {
        lock (_lock)
        {
            while (true)
            {
                if (_lines.TryPeek(out var line))
                {
                    _isWriting = true;
                    return (line, 0, true);
                }

                if (_ends)
                {
                    return default;
                }

                if (_dropped > 0)
                {
                    _isWriting = true;
                    return (Describe(_dropped), _dropped, false);
                }

                Monitor.Wait(_lock);
            }
        }
    }

    private string Describe(long dropped)
    {
        try
        {
            return _droppedLine(dropped);
        }
        catch (Exception)
        {
            return string.Create(CultureInfo.InvariantCulture, $"{dropped} lines dropped");
        }
    }

    private void Written(long dropped, bool isLine)
    {
        lock (_lock)
        {
            if (isLine)
            {
                _chars -= _lines.Dequeue().Length;
            }

            _dropped -= dropped;
            (_isWriting, _isFailing) = (false, false);
            Monitor.PulseAll(_lock);
        }
    }

    private void Pause()
    {
        lock (_lock)
        {
            (_isWriting, _isFailing) = (false, true);
            Monitor.PulseAll(_lock);
            var until = Environment.TickCount64 + (long)_retry.TotalMilliseconds;
            while (!_ends && until - Environment.TickCount64 is var left and > 0)
            {
                Monitor.Wait(_lock, (int)left);
            }

            if (_ends)
            {
                _lines.Clear();
            }
        }
    }
}
