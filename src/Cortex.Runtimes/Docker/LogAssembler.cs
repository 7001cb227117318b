using System.Buffers;
using System.Globalization;
using System.Text;
using Cortex.Runtimes.Docker.Engine;

namespace Cortex.Runtimes.Docker;

/// <summary>Makes lines of the pieces that the engine sends: long lines come in several, each with a time in front.</summary>
/// <param name="container">The container's name.</param>
internal sealed class LogAssembler(string container)
{
    /// <summary>Bytes; a longer line is given in pieces of this size.</summary>
    internal const int MaxLine = 1 << 20;

    private readonly Unfinished _output = new();
    private readonly Unfinished _errors = new();

    /// <summary>The time of the newest piece in nanoseconds since 1970; null before the first.</summary>
    public Int128? Last { get; private set; }

    /// <summary>Takes a piece and gives the lines that it completes.</summary>
    public IEnumerable<LogLine> Add(LogFrame frame)
    {
        var unfinished = frame.IsError ? _errors : _output;
        var space = Array.IndexOf(frame.Bytes, (byte)' ');
        if (space < 0 || Parse(Encoding.ASCII.GetString(frame.Bytes, 0, space)) is not { } nanoseconds)
        {
            yield break;
        }

        Last = nanoseconds;
        var text = frame.Bytes.AsMemory(space + 1);
        if (unfinished.Bytes.WrittenCount == 0)
        {
            unfinished.Time = DateTimeOffset.UnixEpoch.AddTicks((long)(nanoseconds / 100));
        }

        var ends = text.Length > 0 && text.Span[^1] == '\n';
        text = ends ? text[..^1] : text;
        while (unfinished.Bytes.WrittenCount + text.Length > MaxLine)
        {
            var fits = MaxLine - unfinished.Bytes.WrittenCount;
            unfinished.Bytes.Write(text.Span[..fits]);
            text = text[fits..];
            yield return Take(unfinished, frame.IsError);
        }

        unfinished.Bytes.Write(text.Span);
        if (ends)
        {
            yield return Take(unfinished, frame.IsError);
        }
    }

    /// <summary>What came without a line end.</summary>
    public IEnumerable<LogLine> Rest()
    {
        if (_output.Bytes.WrittenCount > 0)
        {
            yield return Take(_output, false);
        }

        if (_errors.Bytes.WrittenCount > 0)
        {
            yield return Take(_errors, true);
        }
    }

    /// <summary>Reads RFC 3339 with up to nine digits of a second, more than <see cref="DateTimeOffset"/> keeps.</summary>
    private static Int128? Parse(string time)
    {
        if (time.Length < 20 || !DateTimeOffset.TryParseExact(
            time[..19], "yyyy-MM-ddTHH:mm:ss", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var seconds))
        {
            return null;
        }

        var digits = time[19] == '.' ? time[20..].TrimEnd('Z') : "";
        return long.TryParse(digits.PadRight(9, '0'), NumberStyles.None, CultureInfo.InvariantCulture, out var fraction)
            ? (Int128)seconds.ToUnixTimeSeconds() * 1_000_000_000 + fraction
            : null;
    }

    private LogLine Take(Unfinished unfinished, bool isError)
    {
        var line = new LogLine(container, unfinished.Time, Encoding.UTF8.GetString(unfinished.Bytes.WrittenSpan).TrimEnd('\r'), isError);
        unfinished.Bytes.ResetWrittenCount();
        return line;
    }

    private sealed class Unfinished
    {
        public ArrayBufferWriter<byte> Bytes { get; } = new();

        public DateTimeOffset Time { get; set; }
    }
}
