using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace Cortex.Gateway.Replicas;

/// <summary>
/// One HTTP/1.1 connection to a replica and the bytes read from it. Used by one request at a time; only
/// <see cref="Dispose"/> may be called from elsewhere, and makes every pending read and write fail.
/// </summary>
internal sealed class UpstreamConnection(Socket socket, int maxHeadSize, TimeSpan lostAfter) : IDisposable
{
    private const int InitialSize = 16 * 1024;
    private const int MaxInterimAnswers = 64;

    // Not pooled: a read may still be pending on it when the connection is closed from another thread.
    private byte[] _input = new byte[InitialSize];
    private int _start;
    private int _end;
    private ValueTask<int> _watch;
    private bool _watching;
    private bool _bounded;
    private bool _ended;
    private bool _toHead;
    private bool _mayCarryMore;
    private long _sent;
    private long _sentBefore;

    /// <summary>The head of the request being sent.</summary>
    public HeadBuffer Output { get; } = new();

    /// <summary>The head of the answer being read.</summary>
    public ResponseHead Head { get; } = new();

    /// <summary>Whether a request was answered on it before.</summary>
    public bool IsReused { get; private set; }

    /// <summary>Timestamp of its last use.</summary>
    public long IdleSince { get; private set; }

    /// <summary>
    /// Whether a resting connection is still open and silent, by the system's word: the pending read's may be late, as the
    /// thread that would complete it may be the one that asks.
    /// </summary>
    public bool IsQuiet => !_watch.IsCompleted && !socket.Poll(0, SelectMode.SelectRead);

    /// <summary>Whether the answer whose head was read last ends with that head.</summary>
    public bool AnswerHasNoBody => Head.HasNoBody(_toHead);

    /// <summary>
    /// Whether it is certain that nothing more can come of an answer that was read to its end, so that the next answer on this connection
    /// is the next request's. Not so where HTTP forbids a body and the head does not say itself that there is none: there are
    /// servers that send one all the same, and a client would take it for its own answer.
    /// </summary>
    public bool IsFinished => Head.KeepsConnection && !_mayCarryMore && Unread.IsEmpty;

    /// <summary>Bytes that were read and not yet used.</summary>
    public ReadOnlySpan<byte> Unread => _input.AsSpan(_start, _end - _start);

    /// <summary><see cref="Unread"/> as memory.</summary>
    public ReadOnlyMemory<byte> UnreadMemory => _input.AsMemory(_start, _end - _start);

    /// <summary>Marks unread bytes as used.</summary>
    public void Consume(int count)
    {
        _start += count;
        if (_start == _end)
        {
            _start = _end = 0;
        }
    }

    /// <summary>
    /// Leaves a read pending while nobody uses the connection, so that its closing by the replica is seen at once. The
    /// next request's first read takes it over: watching costs no system call.
    /// </summary>
    public void Rest(long now)
    {
        IdleSince = now;
        IsReused = true;
        _start = _end = 0;
#pragma warning disable CA2012 // kept for the next FillAsync, which awaits it once
        _watch = socket.ReceiveAsync(_input.AsMemory(), SocketFlags.None);
#pragma warning restore CA2012
        _watching = true;
    }

    /// <summary>
    /// Says whether the replica's system has to take what is sent within a bound, which it can when that is short; a
    /// replica may read a long body as slowly as it likes.
    /// </summary>
    public void BoundSending(bool bounded)
    {
        if (_bounded != bounded)
        {
            _bounded = bounded;
            try
            {
                LostPeer.BoundSending(socket, bounded ? lostAfter : TimeSpan.Zero);
            }
            catch (ObjectDisposedException e)
            {
                throw Closed(e);
            }
        }
    }

    /// <summary>Begins with a request: remembers where its bytes begin.</summary>
    /// <param name="isHead">Whether it is a HEAD, whose answer has no body.</param>
    public void BeginRequest(bool isHead)
    {
        _sentBefore = _sent;
        _toHead = isHead;
        _mayCarryMore = false;
    }

    /// <summary>
    /// Whether the replica certainly had closed a connection that rested before any byte of the request came, though sending
    /// it worked: the end of its stream has come, and what its system acknowledges with that end is nothing of the request.
    /// A connection that was broken off tells nothing, as a reset acknowledges nothing.
    /// </summary>
    public bool ClosedBeforeRequest => IsReused && _ended && LostPeer.AcknowledgedBytes(socket) is > 0 and var acknowledged && acknowledged <= _sentBefore;

    /// <summary>
    /// Whether an error is that of a connection: it broke, what came on it is no HTTP, or <see cref="Dispose"/> was called while it was in
    /// use. Any other is a fault of this program, of which no replica must be accused.
    /// </summary>
    public static bool IsFailure(Exception e) => e is IOException or SocketException;

    /// <summary>Sends all bytes.</summary>
    public async ValueTask SendAsync(ReadOnlyMemory<byte> bytes)
    {
        _sent += bytes.Length;

        try
        {
            // A stream socket's send takes all bytes unless it fails.
            await socket.SendAsync(bytes, SocketFlags.None);
        }
        catch (ObjectDisposedException e)
        {
            throw Closed(e);
        }
    }

    /// <summary>Tells the replica that no more bytes come.</summary>
    public void EndSending()
    {
        try
        {
            socket.Shutdown(SocketShutdown.Send);
        }
        catch (ObjectDisposedException e)
        {
            throw Closed(e);
        }
    }

    /// <summary>Reads more bytes behind the unread ones. False at the end of the stream.</summary>
    /// <exception cref="BadUpstreamAnswerException">More unread bytes than a head may have.</exception>
    public ValueTask<bool> FillAsync()
    {
        ValueTask<int> read;
        if (_watching)
        {
            _watching = false;
            read = _watch;
        }
        else
        {
            MakeRoom();
            try
            {
                read = socket.ReceiveAsync(_input.AsMemory(_end), SocketFlags.None);
            }
            catch (ObjectDisposedException e)
            {
                throw Closed(e);
            }
        }

        if (read.IsCompletedSuccessfully)
        {
            return ValueTask.FromResult(Filled(read.Result));
        }

        return AwaitFillAsync(read);
    }

    /// <summary>Reads until <see cref="Head"/> is parsed; its bytes are still unread then.</summary>
    /// <param name="skipInterim">Whether to skip interim answers (1xx) and read the final head.</param>
    /// <param name="idle">Touched with everything that arrives.</param>
    /// <exception cref="BadUpstreamAnswerException">There is no well-formed head.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public async ValueTask ReadHeadAsync(bool skipInterim, IdleWatch? idle)
    {
        for (var interim = 0; ; interim++)
        {
            while (!Head.TryParse(Unread))
            {
                if (!await FillAsync())
                {
                    throw new BadUpstreamAnswerException(
                        Unread.IsEmpty ? "the connection was closed without an answer" : "the connection was closed within the answer's head");
                }

                idle?.Touch();
            }

            _mayCarryMore |= AnswerHasNoBody && !Head.SaysItIsEmpty;
            if (Head.IsFinal || !skipInterim)
            {
                return;
            }

            if (interim == MaxInterimAnswers)
            {
                throw new BadUpstreamAnswerException($"more than {MaxInterimAnswers} interim answers");
            }

            Consume(Head.Length);
        }
    }

    /// <summary>Reads past the buffer into memory of the caller's. 0 at the end of the stream.</summary>
    public ValueTask<int> ReceiveAsync(Memory<byte> memory)
    {
        try
        {
            return socket.ReceiveAsync(memory, SocketFlags.None);
        }
        catch (ObjectDisposedException e)
        {
            throw Closed(e);
        }
    }

    /// <summary>
    /// Closes a connection that nobody uses, in order: its pending read alone would make the system reset it, and servers
    /// report a reset as an error.
    /// </summary>
    public void Close() => CloseAfter(static socket => socket.Shutdown(SocketShutdown.Both));

    /// <summary>Closes the connection with a reset, which leaves no trace of it in this system.</summary>
    public void Reset() => CloseAfter(static socket => socket.LingerState = new LingerOption(true, 0));

    /// <summary>Closes the connection at once, with a reset if it is in use.</summary>
    public void Dispose() => socket.Dispose();

    /// <summary>The disposal of something of ours is a bug, but that of a connection in use is how a request is ended from elsewhere.</summary>
    private static IOException Closed(ObjectDisposedException e) => new("the connection was closed by this end", e);

    private void CloseAfter(Action<Socket> last)
    {
        try
        {
            last(socket);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The replica has reset it, or its client has left just now.
        }

        socket.Dispose();
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<bool> AwaitFillAsync(ValueTask<int> read) => Filled(await read);

    private bool Filled(int count)
    {
        _end += count;
        _ended |= count == 0;
        return count > 0;
    }

    private void MakeRoom()
    {
        if (_end < _input.Length)
        {
            return;
        }

        if (_start > 0)
        {
            _input.AsSpan(_start, _end - _start).CopyTo(_input);
            (_start, _end) = (0, _end - _start);
            return;
        }

        if (_input.Length >= maxHeadSize)
        {
            throw new BadUpstreamAnswerException($"the head of the answer is larger than {maxHeadSize} bytes");
        }

        Array.Resize(ref _input, Math.Min(_input.Length * 2, maxHeadSize));
    }
}
