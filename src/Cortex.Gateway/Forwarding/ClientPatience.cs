using System.IO.Pipelines;
using System.Net.Sockets;
using Cortex.Gateway.Replicas;
using Microsoft.AspNetCore.Http;

namespace Cortex.Gateway.Forwarding;

/// <summary>
/// Waits for one client: for its request's body and until it takes its answer, and for neither longer than its API allows. Belongs to
/// one connection (or HTTP/2 stream) and is used by one request at a time.
/// </summary>
internal sealed class ClientPatience
{
    private readonly GatewayOptions _options;
    private readonly Socket? _socket;
    private readonly Pause _body;
    private readonly Pause _answer;
    private HttpContext _http = null!;
    private PipeReader? _reader;
    private TimeSpan _clientLimit;
    private TimeSpan _streamLimit;
    private bool _isStream;
    private bool _awaitsFirstByte;
    private long? _acknowledged;

    /// <param name="options">The limits of APIs without their own.</param>
    /// <param name="watch">Looks at the waits.</param>
    /// <param name="socket">The client's, if what its system has taken belongs to one request only; else null.</param>
    public ClientPatience(GatewayOptions options, PauseWatch watch, Socket? socket)
    {
        (_options, _socket) = (options, socket);
        _body = new Pause(watch, BodyLimit, static () => false, () => _reader!.CancelPendingRead());
        _answer = new Pause(watch, () => _isStream ? _streamLimit : _clientLimit, HasTakenSome, () => _http.Abort());
    }

    /// <summary>Whether the answer ended because the client took nothing of it for too long.</summary>
    public bool IsAnswerOver { get; private set; }

    /// <summary>How long nothing may move in a stream.</summary>
    public TimeSpan StreamLimit => _streamLimit;

    /// <summary>Begins with a request.</summary>
    /// <param name="http">The request.</param>
    /// <param name="clientLimit">How long its client may pause; null for what the options say.</param>
    /// <param name="streamLimit">How long it may pause when it is a stream; likewise.</param>
    public void Begin(HttpContext http, TimeSpan? clientLimit, TimeSpan? streamLimit)
    {
        _http = http;
        _reader = null;
        _clientLimit = clientLimit ?? _options.ClientIdleTimeout;
        _streamLimit = streamLimit ?? _options.StreamIdleTimeout;
        _isStream = Http2Exchange.IsGrpc(http.Request);
        IsAnswerOver = false;
    }

    /// <summary>
    /// Waits until a body has begun to come, so that nobody holds a slot for one that never does. Does not wait for a client
    /// that may itself be waiting: for the go-ahead that it asked for, or for the first word of a stream; one that announces no
    /// length may be such a stream, and is waited for only as long as a go-ahead.
    /// </summary>
    /// <exception cref="BadHttpRequestException">It does not come in time, or is malformed.</exception>
    /// <exception cref="IOException">The client left.</exception>
    public ValueTask BodyBeginsAsync()
    {
        var request = _http.Request;
        if (request.ContentLength is null or 0 && BodyFraming.Of(_http).Kind != BodyKind.Chunked)
        {
            return ValueTask.CompletedTask;
        }

        if (_isStream || request.Headers.Expect.Count > 0 || ProtocolSwitch.IsWanted(_http))
        {
            return ValueTask.CompletedTask;
        }

        var reader = request.BodyReader;
        if (!reader.TryRead(out var read))
        {
            return AwaitFirstByteAsync(reader, announced: request.ContentLength is not null);
        }

        reader.AdvanceTo(read.Buffer.Start);
        return ValueTask.CompletedTask;
    }

    /// <summary>Reads more of the body.</summary>
    /// <exception cref="BadHttpRequestException">The client paused for too long.</exception>
    public ValueTask<ReadResult> ReadAsync(PipeReader reader, CancellationToken cancellationToken)
    {
        var reading = reader.ReadAsync(cancellationToken);
        return reading.IsCompleted ? reading : AwaitBodyAsync(reader, reading);
    }

    /// <summary>Gives the client what was written, and waits until it has room for more.</summary>
    public ValueTask<FlushResult> FlushAsync(PipeWriter writer, CancellationToken cancellationToken)
    {
        _body.Touch();
        var flushing = writer.FlushAsync(cancellationToken);
        return flushing.IsCompleted ? flushing : AwaitAnswerAsync(flushing);
    }

    /// <summary>Gives the client the end of its answer.</summary>
    public async Task CompleteAsync(HttpResponse response)
    {
        var completing = response.CompleteAsync();
        if (!completing.IsCompleted)
        {
            await AwaitAnswerAsync(new ValueTask<FlushResult>(Flushed(completing)));
        }

        await completing;

        static async Task<FlushResult> Flushed(Task completing)
        {
            await completing;
            return default;
        }
    }

    private TimeSpan BodyLimit() => _awaitsFirstByte ? _options.ExpectTimeout
        : _isStream || _http.Response.HasStarted ? _streamLimit
        : _clientLimit;

    private async ValueTask AwaitFirstByteAsync(PipeReader reader, bool announced)
    {
        _awaitsFirstByte = !announced;
        var (read, inTime) = await TryAwaitAsync(reader, reader.ReadAsync(CancellationToken.None));
        reader.AdvanceTo(read.Buffer.Start);
        if (!inTime && announced)
        {
            throw TooLong();
        }

        _awaitsFirstByte = false;
    }

    private async ValueTask<ReadResult> AwaitBodyAsync(PipeReader reader, ValueTask<ReadResult> reading)
    {
        var (read, inTime) = await TryAwaitAsync(reader, reading);
        if (!inTime)
        {
            reader.AdvanceTo(read.Buffer.Start);
            throw TooLong();
        }

        return read;
    }

    private async ValueTask<(ReadResult Read, bool InTime)> TryAwaitAsync(PipeReader reader, ValueTask<ReadResult> reading)
    {
        _reader = reader;
        _body.Begin();
        ReadResult read;
        try
        {
            read = await reading;
        }
        catch
        {
            await _body.EndAsync();
            throw;
        }

        return (read, InTime: !await _body.EndAsync());
    }

    private BadHttpRequestException TooLong() =>
        new($"no byte of the request's body arrived for {BodyLimit().TotalSeconds:0.###} s", StatusCodes.Status408RequestTimeout);

    private async ValueTask<FlushResult> AwaitAnswerAsync(ValueTask<FlushResult> flushing)
    {
        _acknowledged = null;
        _answer.Begin();
        try
        {
            return await flushing;
        }
        finally
        {
            IsAnswerOver |= await _answer.EndAsync();
        }
    }

    /// <summary>Whether the client's system has taken bytes since the last look: it reads slowly, but it reads.</summary>
    private bool HasTakenSome()
    {
        if (_socket is null)
        {
            return false;
        }

        var before = _acknowledged;
        _acknowledged = LostPeer.AcknowledgedBytes(_socket);
        return before is not null && _acknowledged > before;
    }
}
