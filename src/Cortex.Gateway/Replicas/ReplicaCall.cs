using System.Buffers;
using System.Runtime.CompilerServices;

namespace Cortex.Gateway.Replicas;

/// <summary>
/// One POST to a replica and its answer: 1. <see cref="OpenAsync(string)"/>; 2. <see cref="AddHeader"/>; 3.
/// <see cref="SendAsync(ReadOnlyMemory{byte})"/>; 4. <see cref="ReadAsync"/> until the answer's end, which frees the connection for the next call. Used by one caller at
/// a time; only <see cref="Abort"/> may be called from elsewhere.
/// </summary>
/// <remarks>
/// Every step throws <see cref="OperationCanceledException"/> once the call was aborted. A step that throws what it names has closed the
/// connection. What it does not name is a fault of this program, not the replica's, and leaves the closing to the disposal. Continuations
/// run on the thread that polls the socket where the process asks for that.
/// </remarks>
public sealed class ReplicaCall : IAsyncDisposable
{
    private const int MaxInlineBody = 8 * 1024;
    private const int SendBuffer = 64 * 1024;
    private readonly UpstreamPool _pool;
    private readonly Lock _lock = new();
    private UpstreamConnection? _connection;
    private CancellationTokenSource? _stop;   // never disposed of: Abort may be using it, and it has nothing to free
    private Task<bool>? _sending;
    private Exception? _bodyFailure;
    private AnswerBodyReader _body;
    private bool _aborted;
    private bool _ended;

    internal ReplicaCall(UpstreamPool pool) => _pool = pool;

    /// <summary>The answer's status, 200-999; known once sending has completed.</summary>
    public int Status { get; private set; }

    /// <summary>The answer's Content-Type; empty when it has none.</summary>
    public string ContentType { get; private set; } = "";

    /// <summary>The answer's Content-Encoding; empty when it has none.</summary>
    public string ContentEncoding { get; private set; } = "";

    /// <summary>The announced length of the answer's body; null when it comes without one.</summary>
    public long? ContentLength { get; private set; }

    /// <summary>Whether the answer's body ends where its connection does, so that one that was cut off looks whole.</summary>
    public bool EndsWithConnection => _body.EndsWithConnection;

    /// <summary>Takes or opens a connection and begins the request's head.</summary>
    /// <param name="host">The Host header.</param>
    /// <exception cref="UpstreamUnreachableException">The replica cannot be reached.</exception>
    public ValueTask OpenAsync(string host) => OpenAsync(host, "/");

    /// <summary>As <see cref="OpenAsync(string)"/>, to another path than the root.</summary>
    /// <param name="host">The Host header.</param>
    /// <param name="path">Begins with a slash; in ASCII, as it stands in a request line.</param>
    /// <exception cref="UpstreamUnreachableException">The replica cannot be reached.</exception>
    public ValueTask OpenAsync(string host, string path)
    {
        if (_pool.TryTake(out var connection))
        {
            Use(connection);
            Begin(connection.Output, host, path);
            return ValueTask.CompletedTask;
        }

        return ConnectAsync(host, path);
    }

    /// <summary>Adds a header, in Latin-1. Neither part holds a line break; the framing is not the caller's.</summary>
    public void AddHeader(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        var output = Connection.Output;
        output.Append(name);
        output.Append(": "u8);
        output.Append(value);
        output.Append("\r\n"u8);
    }

    /// <summary>Adds headers that are lines already, each with its line break.</summary>
    public void AddHeaderLines(ReadOnlySpan<byte> lines) => Connection.Output.Append(lines);

    /// <summary>Sends the request and completes with the head of its answer; interim answers are skipped.</summary>
    /// <param name="body">The request's body.</param>
    /// <exception cref="UpstreamUnreachableException">The replica has seen nothing of the request; another one may get it.</exception>
    /// <exception cref="BadUpstreamAnswerException">The replica may have got the request and gave no proper answer.</exception>
    public ValueTask SendAsync(ReadOnlyMemory<byte> body) => SendAsync(body, null, body.Length);

    /// <summary>As <see cref="SendAsync(ReadOnlyMemory{byte})"/>, with a body that is read as the replica takes it.</summary>
    /// <param name="body">Not disposed.</param>
    /// <param name="length">How many bytes <paramref name="body"/> has.</param>
    /// <exception cref="RequestBodyException">The body cannot be read, or ends too early. What it throws besides <see cref="IOException"/> comes as it is.</exception>
    public ValueTask SendAsync(Stream body, long length)
    {
        ArgumentNullException.ThrowIfNull(body);
        return SendAsync(default, body, length);
    }

    /// <summary>Reads what has arrived of the answer's body. The bytes are good until the next call on this object.</summary>
    /// <returns>Empty at the body's end.</returns>
    /// <exception cref="BadUpstreamAnswerException">The body is malformed or ends too early.</exception>
    public ValueTask<ReadOnlyMemory<byte>> ReadAsync()
    {
        if (_ended)
        {
            return default;
        }

        var connection = Connection;
        try
        {
            _body.Consume(connection);
            if (_body.TryTake(connection, out var run))
            {
                return ValueTask.FromResult(Taken(connection, run));
            }
        }
        catch (Exception e) when (UpstreamConnection.IsFailure(e))
        {
            throw Broken(e);
        }

        return ReadMoreAsync();
    }

    /// <summary>Closes the connection, whatever is being done with it. Nothing happens once the answer was read to its end.</summary>
    public void Abort()
    {
        UpstreamConnection? connection;
        CancellationTokenSource? stop;
        lock (_lock)
        {
            if (_ended || _aborted)
            {
                return;
            }

            _aborted = true;
            (connection, stop) = (_connection, _stop);
        }

        connection?.Dispose();
        stop?.Cancel();
    }

    /// <summary>Ends the call; the connection is closed unless the answer was read to its end. Returns when the request's body is not read any more.</summary>
    public async ValueTask DisposeAsync()
    {
        Close();
        if (_sending is not null)
        {
            await _sending;
        }
    }

    private UpstreamConnection Connection => _connection ?? throw new InvalidOperationException("The call is not open.");

    private static void Begin(HeadBuffer output, string host, string path)
    {
        output.Clear();
        output.Append("POST "u8);
        output.Append(path);
        output.Append(" HTTP/1.1\r\nHost: "u8);
        output.Append(host);
        output.Append("\r\n"u8);
    }

    private async ValueTask ConnectAsync(string host, string path)
    {
        var connection = await ConnectAsync();
        Begin(connection.Output, host, path);
    }

    private async ValueTask<UpstreamConnection> ConnectAsync()
    {
        var connection = await _pool.ConnectAsync(Stoppable());
        Use(connection);
        return connection;
    }

    private CancellationToken Stoppable()
    {
        lock (_lock)
        {
            _stop ??= new CancellationTokenSource();
            ObjectDisposedException.ThrowIf(_ended, this);
            if (_aborted)
            {
                throw Aborted();
            }

            return _stop.Token;
        }
    }

    private void Use(UpstreamConnection connection)
    {
        lock (_lock)
        {
            _connection = connection;
            if (!_aborted)
            {
                return;
            }
        }

        connection.Dispose();
        throw Aborted();
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask SendAsync(ReadOnlyMemory<byte> memory, Stream? stream, long length)
    {
        var inline = stream is null && length <= MaxInlineBody;
        try
        {
            var connection = await SendHeadAsync(memory, length, inline);
            if (!inline)
            {
                _sending = SendBodyAsync(connection, memory, stream, length, Stoppable());
            }

            await connection.ReadHeadAsync(skipInterim: true, idle: null);
            Answered(connection);
        }
        catch (Exception e) when (e is not UpstreamUnreachableException && UpstreamConnection.IsFailure(e))
        {
            throw Broken(e);
        }
    }

    private async ValueTask<UpstreamConnection> SendHeadAsync(ReadOnlyMemory<byte> memory, long length, bool inline)
    {
        var connection = Connection;
        connection.Output.Append("Content-Length: "u8);
        connection.Output.Append(length);
        connection.Output.Append("\r\n\r\n"u8);
        if (inline)
        {
            connection.Output.Append(memory.Span);
        }

        while (true)
        {
            try
            {
                connection.BeginRequest(isHead: false);
                connection.BoundSending(inline);
                await connection.SendAsync(connection.Output.Written);
                return connection;
            }
            catch (Exception e) when (UpstreamConnection.IsFailure(e))
            {
                if (_aborted)
                {
                    throw Aborted();
                }

                if (!connection.IsReused)
                {
                    Close();
                    throw new UpstreamUnreachableException(e.Message, e);
                }
            }

            // A replica may close an unused connection just when it is used again. It has seen nothing then.
            var stale = connection;
            stale.Dispose();
            connection = await ConnectAsync();
            connection.Output.Clear();
            connection.Output.Append(stale.Output.Written.Span);
        }
    }

    /// <summary>True when the replica was given the whole body. Throws nothing but what is a fault neither of the replica nor of the body.</summary>
    private async Task<bool> SendBodyAsync(UpstreamConnection connection, ReadOnlyMemory<byte> memory, Stream? stream, long length, CancellationToken stop)
    {
        var buffer = stream is null ? [] : ArrayPool<byte>.Shared.Rent(SendBuffer);
        try
        {
            if (stream is null)
            {
                await connection.SendAsync(memory);
                return true;
            }

            while (length > 0)
            {
                var count = await ReadBodyAsync(stream, buffer.AsMemory(0, (int)Math.Min(buffer.Length, length)), stop);
                await connection.SendAsync(buffer.AsMemory(0, count));
                length -= count;
            }

            return true;
        }
        catch (RequestBodyException e)
        {
            // The replica must not take the part it got for the whole.
            _bodyFailure = e;
            connection.Dispose();
            return false;
        }
        catch (Exception e) when (e is OperationCanceledException || UpstreamConnection.IsFailure(e))
        {
            return false;   // the replica takes no more; its answer, if it gives one, says why
        }
        catch (Exception e)
        {
            _bodyFailure = e;
            connection.Dispose();   // nobody waits for an answer to a part of a request
            throw;
        }
        finally
        {
            if (stream is not null)
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
        }
    }

    private static async ValueTask<int> ReadBodyAsync(Stream stream, Memory<byte> buffer, CancellationToken stop)
    {
        int count;
        try
        {
            count = await stream.ReadAsync(buffer, stop);
        }
        catch (IOException e)
        {
            throw new RequestBodyException($"the request's body cannot be read: {e.Message}", e);
        }

        return count > 0 ? count : throw new RequestBodyException("the request's body is shorter than it should be", new EndOfStreamException());
    }

    private void Answered(UpstreamConnection connection)
    {
        var head = connection.Head;
        if (head.Status == 101)
        {
            throw new BadUpstreamAnswerException("the answer switches protocols though nobody asked for it");
        }

        Status = head.Status;
        var bytes = connection.Unread;
        foreach (ref readonly var field in head.Fields)
        {
            if (field.NameLength == 12 && field.Name(bytes).SequenceEqualIgnoreCase("Content-Type"u8))
            {
                ContentType = _pool.Strings.Get(field.Value(bytes));
            }
            else if (field.NameLength == 16 && field.Name(bytes).SequenceEqualIgnoreCase("Content-Encoding"u8))
            {
                ContentEncoding = _pool.Strings.Get(field.Value(bytes));
            }
        }

        connection.Consume(head.Length);
        ContentLength = head.ContentLength;
        _body = new AnswerBodyReader(connection);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<ReadOnlyMemory<byte>> ReadMoreAsync()
    {
        var connection = Connection;
        try
        {
            while (await connection.FillAsync())
            {
                if (_body.TryTake(connection, out var run))
                {
                    return Taken(connection, run);
                }
            }

            return _body.EndsWithConnection
                ? Taken(connection, default)
                : throw new BadUpstreamAnswerException("the connection was closed within the answer's body");
        }
        catch (Exception e) when (UpstreamConnection.IsFailure(e))
        {
            throw Broken(e);
        }
    }

    /// <summary>Passes a run on. With an empty one the whole answer has been read: the connection goes back to the pool if it can be used again.</summary>
    private ReadOnlyMemory<byte> Taken(UpstreamConnection connection, ReadOnlyMemory<byte> run)
    {
        if (!run.IsEmpty)
        {
            return run;
        }

        bool bodySent;
        lock (_lock)
        {
            if (_aborted)
            {
                throw Aborted();
            }

            _ended = true;
            _connection = null;
            bodySent = _sending is null || (_sending.IsCompletedSuccessfully && _sending.Result);
        }

        _pool.Return(connection, isUsable: bodySent);
        return run;
    }

    private void Close()
    {
        UpstreamConnection? connection;
        lock (_lock)
        {
            _ended = true;
            (connection, _connection) = (_connection, null);
        }

        connection?.Dispose();
        _stop?.Cancel();
    }

    private Exception Broken(Exception e)
    {
        var aborted = _aborted;
        Close();
        return aborted ? Aborted()
            : _bodyFailure is { } failure ? failure
            : e as BadUpstreamAnswerException ?? new BadUpstreamAnswerException(e.Message, e);
    }

    private static OperationCanceledException Aborted() => new("the call was aborted");
}
