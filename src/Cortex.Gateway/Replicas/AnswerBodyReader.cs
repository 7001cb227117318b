namespace Cortex.Gateway.Replicas;

/// <summary>Finds an answer's body in what was read from its connection, run by run, whatever its framing.</summary>
internal struct AnswerBodyReader
{
    private readonly BodyKind _kind;
    private ChunkedDecoder _chunks;
    private long _left;
    private int _given;

    /// <summary>Begins behind the head that was read last, whose bytes have been used.</summary>
    public AnswerBodyReader(UpstreamConnection connection)
    {
        var head = connection.Head;
        if (connection.AnswerHasNoBody)
        {
            _kind = BodyKind.Sized;   // of no bytes
        }
        else if (head.IsChunked)
        {
            _kind = BodyKind.Chunked;
        }
        else if (head.ContentLength is { } length)
        {
            _kind = BodyKind.Sized;
            _left = length;
        }
        else
        {
            head.EndsWithConnection();
            EndsWithConnection = true;
        }
    }

    /// <summary>Whether the connection's end is the body's.</summary>
    public bool EndsWithConnection { get; }

    /// <summary>Marks the last run as used.</summary>
    public void Consume(UpstreamConnection connection)
    {
        connection.Consume(_given);
        _given = 0;
    }

    /// <summary>Takes a run that was read already. False when more has to be read; an empty run is the body's end.</summary>
    /// <exception cref="BadUpstreamAnswerException">The framing is malformed.</exception>
    public bool TryTake(UpstreamConnection connection, out ReadOnlyMemory<byte> run)
    {
        run = default;
        if (_kind == BodyKind.Chunked)
        {
            return TryTakeChunk(connection, ref run);
        }

        if (_kind == BodyKind.Sized && _left == 0)
        {
            return true;
        }

        var available = connection.UnreadMemory;
        run = EndsWithConnection ? available : available[..(int)Math.Min(_left, available.Length)];
        _given = run.Length;
        _left -= _given;
        return _given > 0;
    }

    private bool TryTakeChunk(UpstreamConnection connection, ref ReadOnlyMemory<byte> run)
    {
        while (!_chunks.IsDone && !connection.Unread.IsEmpty)
        {
            var length = _chunks.Next(connection.Unread, out var consumed).Length;
            if (length > 0)
            {
                run = connection.UnreadMemory.Slice(consumed - length, length);
                _given = consumed;
                return true;
            }

            connection.Consume(consumed);
        }

        return _chunks.IsDone;
    }
}
