using System.Buffers;
using System.Text.Json;
using System.Text.Unicode;
using Cortex.Core.Errors;

namespace Cortex.Jobs.Batch.Items;

/// <summary>Reads bytes into a buffer; 0 at the end. Not called again before it has completed.</summary>
internal delegate ValueTask<int> ReadBytes(Memory<byte> buffer, CancellationToken cancellationToken);

/// <summary>
/// Reads JSON values of any type that follow each other with any whitespace between them, from a source of any length, in memory that
/// depends on the largest value only.
/// </summary>
internal sealed class JsonValueReader : IDisposable
{
    /// <summary>Values may be nested so deep.</summary>
    public const int MaxDepth = 1000;

    // Large reads keep the cost of asking, and of scanning a cut value again, small.
    private const int FirstBufferSize = 1024 * 1024;

    private readonly ReadBytes _read;
    private readonly string _name;
    private readonly int _maxItemBytes;
    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(FirstBufferSize);
    private int _start;
    private int _end;
    private bool _ended;
    private int _valueStart;
    private int _valueLength;

    /// <summary>Begins to read.</summary>
    /// <param name="read">Gives the bytes from <paramref name="offset"/> on.</param>
    /// <param name="name">The source in error messages.</param>
    /// <param name="maxItemBytes">Longer values are an error.</param>
    /// <param name="offset">Bytes of the source that were read before.</param>
    /// <param name="count">Values that were read before.</param>
    public JsonValueReader(ReadBytes read, string name, int maxItemBytes, long offset = 0, long count = 0)
    {
        _read = read;
        _name = name;
        _maxItemBytes = maxItemBytes;
        Offset = offset;
        Count = count;
    }

    /// <summary>The value that was read last, as it stands in the source; valid until the next call.</summary>
    public ReadOnlySpan<byte> Value => _buffer.AsSpan(_valueStart, _valueLength);

    /// <summary>Bytes of the source up to the end of <see cref="Value"/>.</summary>
    public long Offset { get; private set; }

    /// <summary>Values read so far; the present one is number <c>Count - 1</c>, counted from 0.</summary>
    public long Count { get; private set; }

    /// <summary>Reads the next value; false at the end.</summary>
    /// <exception cref="CortexException">What follows is no JSON value, or is too long.</exception>
    public ValueTask<bool> ReadAsync(CancellationToken cancellationToken) =>
        TryTake() ? ValueTask.FromResult(true) : FillAndReadAsync(cancellationToken);

    /// <inheritdoc/>
    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
        _start = _end = _valueStart = _valueLength = 0;
        _ended = true;
    }

    private async ValueTask<bool> FillAndReadAsync(CancellationToken cancellationToken)
    {
        while (!_ended)
        {
            await FillAsync(cancellationToken);
            if (TryTake())
            {
                return true;
            }
        }

        return false;
    }

    // Makes room and reads until the buffer is full, so that a value that arrives in many pieces is not scanned for each of them.
    private async ValueTask FillAsync(CancellationToken cancellationToken)
    {
        MakeRoom();
        while (_end < _buffer.Length && !_ended)
        {
            var count = await _read(_buffer.AsMemory(_end), cancellationToken);
            _end += count;
            _ended = count == 0;
        }
    }

    private void MakeRoom()
    {
        if (_start == 0 && _end == _buffer.Length)
        {
            var larger = ArrayPool<byte>.Shared.Rent(_buffer.Length * 2);
            _buffer.AsSpan(0, _end).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = larger;
            return;
        }

        _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
        _end -= _start;
        _start = 0;
    }

    private bool TryTake()
    {
        SkipSpace();
        var rest = _buffer.AsSpan(_start, _end - _start);
        if (rest.IsEmpty)
        {
            return false;
        }

        if (TryMeasure(rest) is not { } length)
        {
            return rest.Length <= _maxItemBytes ? false : throw TooLong(rest);
        }

        if (length > _maxItemBytes)
        {
            throw TooLong(rest);
        }

        if (!Utf8.IsValid(rest[..length]))
        {
            throw Invalid("it holds bytes that are not UTF-8", null);
        }

        _valueStart = _start;
        _valueLength = length;
        _start += length;
        Offset += length;
        Count++;
        return true;
    }

    private void SkipSpace()
    {
        if (Offset == 0 && _start == 0 && _end >= 3 && _buffer.AsSpan(0, 3).SequenceEqual((ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF]))
        {
            Skip(3);   // a byte order mark, as some editors write it
        }

        var space = _buffer.AsSpan(_start, _end - _start).IndexOfAnyExcept(" \t\r\n"u8);
        Skip(space < 0 ? _end - _start : space);
    }

    private void Skip(int count)
    {
        _start += count;
        Offset += count;
    }

    // Null when the value goes on after what is in the buffer.
    private int? TryMeasure(ReadOnlySpan<byte> rest)
    {
        try
        {
            var json = new Utf8JsonReader(rest, _ended, new JsonReaderState(new JsonReaderOptions { MaxDepth = MaxDepth, AllowMultipleValues = true }));
            return json.Read() && json.TrySkip() ? (int)json.BytesConsumed : null;
        }
        catch (JsonException exception)
        {
            throw Invalid(exception.Message, exception);
        }
    }

    private CortexException Invalid(string why, Exception? inner) =>
        new(BatchErrorKinds.Other, $"item {Count} of {_name}, which begins at byte {Offset}, is not valid JSON: {why}", inner);

    private CortexException TooLong(ReadOnlySpan<byte> rest)
    {
        var hint = rest[0] == (byte)'[' && Count == 0 ? "; the items must follow each other, one JSON value each, not stand in one array" : "";
        return new(BatchErrorKinds.ItemSize, $"item {Count} of {_name}, which begins at byte {Offset}, is longer than the limit of {_maxItemBytes} bytes{hint}");
    }
}
