using System.Runtime.CompilerServices;
using Cortex.Gateway.Admission;
using Cortex.Gateway.Replicas;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Cortex.Gateway.Forwarding;

/// <summary>
/// Forwards one request after another over HTTP/1.1 connections to replicas. Belongs to one client connection (or
/// HTTP/2 stream) and is used by one request at a time.
/// </summary>
/// <remarks>The steps of <see cref="SendAsync"/>, by which it is ordered:
/// 1. send the head, with a short body that is here already; 2. let a longer body flow; 3. read the answer's head;
/// 4. pass it on; 5. let the answer's body flow; 6. with its last byte read, but before the client gets that byte, keep or
/// close the connection and free the slot, so that a client's next request finds the slot free.</remarks>
internal sealed class Http1Exchange
{
    private const int MaxInlineBody = 8 * 1024;
    private readonly GatewayOptions _options;
    private readonly ClientPatience _patience;
    private readonly TimeProvider _time;
    private readonly HeadBuffer _request = new();
    private readonly Action _finish;
    private readonly Lock _lock = new();
    private HttpContext _http = null!;
    private UpstreamConnection _connection = null!;
    private UpstreamPool _pool = null!;
    private Slot _slot = null!;
    private CancellationToken _clientLeft;
    private CancellationTokenRegistration _closing;
    private BodyFraming _body;
    private Task<bool>? _sending;
    private bool _isHead;
    private bool _bodyIsInline;
    private bool _switchesProtocol;
    private bool _saysOrigin;
    private Exception? _bodyFailure;
    private IdleWatch? _idle;
    private bool _finished;
    private bool _ended;

    public Http1Exchange(GatewayOptions options, ClientPatience patience, TimeProvider time)
    {
        _options = options;
        _patience = patience;
        _time = time;
        _finish = Finish;
    }

    /// <summary>Writes the request's head. Called once, before the first attempt to send it.</summary>
    /// <exception cref="BadClientRequestException">It cannot be passed on.</exception>
    public void Prepare(HttpContext http, string rawTarget, int matched, ClientPeer client, string replicaHost, bool saysOrigin)
    {
        _http = http;
        _saysOrigin = saysOrigin;
        _body = BodyFraming.Of(http);
        _isHead = http.Request.Method == HttpMethods.Head;   // a method's case matters
        _switchesProtocol = ProtocolSwitch.IsWanted(http);
        _bodyFailure = null;
        _request.Clear();
        RequestHead.Write(_request, http.Request, rawTarget, matched, _body, _switchesProtocol, client, replicaHost);
        _bodyIsInline = _body.Kind == BodyKind.None || (_body.Kind == BodyKind.Sized && TryInlineBody());
    }

    /// <summary>
    /// Sends the request over a connection, which it keeps or closes, and passes the answer on. Frees the slot when the
    /// answer has been read, and not when there is none. What it throws is a fault of this program, not of the replica or the client.
    /// </summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<ExchangeResult> SendAsync(UpstreamPool pool, UpstreamConnection connection, Slot slot, CancellationToken clientLeft)
    {
        Begin(pool, connection, slot, clientLeft);
        try
        {
            try
            {
                // 1. Send the head, with a short body that is here already.
                connection.BeginRequest(_isHead);
                connection.BoundSending(_bodyIsInline && !_switchesProtocol);
                await connection.SendAsync(_request.Written);
            }
            catch (Exception e) when (UpstreamConnection.IsFailure(e))
            {
                return clientLeft.IsCancellationRequested
                    ? new ExchangeResult(ExchangeOutcome.ClientLeft)
                    : new ExchangeResult(ExchangeOutcome.NotDelivered, e.Message);
            }

            await (_bodyIsInline ? AnswerAsync() : AnswerWithBodyAsync());
            return new ExchangeResult(ExchangeOutcome.Answered);
        }
        catch (Exception e) when (e is OperationCanceledException || UpstreamConnection.IsFailure(e))
        {
            // With a longer body, the part that was sent is gone.
            return _bodyIsInline && !_http.Response.HasStarted && !clientLeft.IsCancellationRequested && connection.ClosedBeforeRequest
                ? new ExchangeResult(ExchangeOutcome.NotDelivered, e.Message)
                : Failed(e, clientLeft);
        }
        finally
        {
            End();
        }
    }

    /// <summary>Takes a short body along with the head when all of it has arrived: one send instead of two.</summary>
    private bool TryInlineBody()
    {
        if (_body.Length == 0)
        {
            return true;
        }

        // Reading the body would tell a client that asked to be told that it may send it.
        if (_body.Length > MaxInlineBody || _http.Request.Headers.Expect.Count > 0)
        {
            return false;
        }

        var reader = _http.Request.BodyReader;
        if (!reader.TryRead(out var read))
        {
            return false;
        }

        if (read.Buffer.Length < _body.Length)
        {
            reader.AdvanceTo(read.Buffer.Start);
            return false;
        }

        _request.Append(read.Buffer);
        reader.AdvanceTo(read.Buffer.End);
        return true;
    }

    private void Begin(UpstreamPool pool, UpstreamConnection connection, Slot slot, CancellationToken clientLeft)
    {
        (_pool, _connection, _slot, _clientLeft) = (pool, connection, slot, clientLeft);
        _finished = _ended = false;
        _sending = null;
        _closing = clientLeft.UnsafeRegister(static state => ((UpstreamConnection)state!).Dispose(), connection);
        _idle = _options.IdleTimeout == TimeSpan.Zero ? null : new IdleWatch(_options.IdleTimeout, _time, Abandon);
    }

    /// <summary>Steps 2 to 6 with a body that is not sent yet.</summary>
    private async ValueTask AnswerWithBodyAsync()
    {
        Task? answering = null;
        if (_http.Request.Headers.Expect.Count > 0)
        {
            // The replica's word decides whether the client sends its body. Without a word in time, it does.
            var head = _connection.ReadHeadAsync(skipInterim: false, _idle).AsTask();
            try
            {
                await head.WaitAsync(_options.ExpectTimeout, _time);
                if (_connection.Head.IsFinal)
                {
                    _sending = Task.FromResult(false);   // the replica waits for a body that will not come
                    await PassOnAsync();
                    return;
                }

                _connection.Consume(_connection.Head.Length);
            }
            catch (TimeoutException)
            {
                answering = AnswerAfterAsync(head);
            }
        }

        // 2. Let the body flow, beside the steps that follow.
        using var answered = new CancellationTokenSource();
        _sending = SendBodyAsync(_connection, answered.Token);
        try
        {
            await (answering ?? AnswerAsync().AsTask());
        }
        finally
        {
            if (!_sending.IsCompleted)
            {
                // Answered before the body's end, or failed: nobody reads the rest.
                if (!_finished)
                {
                    _connection.Dispose();
                }

                await answered.CancelAsync();
            }

            await _sending;   // what it throws is why the answer broke off
        }
    }

    /// <summary>Sends the body as it comes. True when the replica was given all of it. What it throws is a fault of neither side, and has closed the connection.</summary>
    private async Task<bool> SendBodyAsync(UpstreamConnection connection, CancellationToken answered)
    {
        var sender = new BodySender(connection, _body.Kind == BodyKind.Chunked);
        try
        {
            var reader = _http.Request.BodyReader;
            while (true)
            {
                var read = await _patience.ReadAsync(reader, answered);
                if (!await sender.TrySendAsync(read.Buffer))
                {
                    // The replica takes no more; its answer, if it gives one, says why.
                    reader.AdvanceTo(read.Buffer.Start);
                    return false;
                }

                _idle?.Touch();
                reader.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted)
                {
                    return await sender.TryEndAsync(_http.Features.Get<IHttpRequestTrailersFeature>());
                }
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            if (!answered.IsCancellationRequested)
            {
                // The client's fault: the replica must not take the part it got for the whole.
                _bodyFailure = e;
                connection.Dispose();
            }

            return false;
        }
        catch
        {
            connection.Dispose();   // nobody waits for an answer to a part of a request
            throw;
        }
        finally
        {
            sender.Dispose();
        }
    }

    private async Task AnswerAfterAsync(Task head)
    {
        await head;
        if (_connection.Head.IsFinal)
        {
            await PassOnAsync();
            return;
        }

        _connection.Consume(_connection.Head.Length);
        await AnswerAsync();
    }

    /// <summary>Steps 3 to 6.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask AnswerAsync()
    {
        // 3. Read the answer's head.
        await _connection.ReadHeadAsync(skipInterim: true, _idle);
        await PassOnAsync();
    }

    /// <summary>Steps 4 to 6.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask PassOnAsync()
    {
        var connection = _connection;
        var head = connection.Head;
        if (head.Status == StatusCodes.Status101SwitchingProtocols && !_switchesProtocol)
        {
            throw new BadUpstreamAnswerException("the answer switches protocols though nobody asked for it");
        }

        // 4. Pass it on.
        AnswerHead.PassOn(head, connection.Unread, _http.Response, _pool.Strings, _saysOrigin);
        connection.Consume(head.Length);

        // 5. Let the answer's body flow. Whoever reads its last byte calls Finish.
        var body = new BodyCopier(connection, _http.Response, _patience, _finish, _idle);
        if (head.Status == StatusCodes.Status101SwitchingProtocols)
        {
            _idle ??= new IdleWatch(_patience.StreamLimit, _time, Abandon);
            await ProtocolSwitch.TunnelAsync(_http, connection, _idle);
        }
        else if (connection.AnswerHasNoBody)
        {
            Finish();
        }
        else if (head.IsChunked)
        {
            await body.ChunkedAsync();
        }
        else if (head.ContentLength is { } length)
        {
            await body.SizedAsync(length);
        }
        else
        {
            head.EndsWithConnection();
            await body.UntilCloseAsync();
        }
    }

    /// <summary>
    /// 6. With the answer's last byte read, but before the client gets it, keep or close the connection and free the slot.
    /// </summary>
    private void Finish()
    {
        _closing.Dispose();   // from here on, the connection may serve another client
        lock (_lock)
        {
            _finished = true;
        }

        var bodySent = _sending is null || (_sending.IsCompletedSuccessfully && _sending.Result);
        _pool.Return(_connection, isUsable: bodySent && !_clientLeft.IsCancellationRequested);
        _slot.Release();
    }

    private void End()
    {
        _closing.Dispose();
        lock (_lock)
        {
            _ended = true;
        }

        _idle?.Dispose();
        if (!_finished)
        {
            _connection.Dispose();
        }
    }

    private void Abandon()
    {
        lock (_lock)
        {
            if (_ended)
            {
                return;
            }

            if (_http.Response.HasStarted)
            {
                _http.Abort();   // the client may be the one that does not read
            }

            if (!_finished)
            {
                _connection.Dispose();
            }
        }
    }

    /// <summary>Whether the client's body failed, or it paused for too long.</summary>
    private bool IsClientsFault => _patience.IsAnswerOver || _bodyFailure is not null || (_switchesProtocol && _idle is { HasFired: true });

    private ExchangeResult Failed(Exception e, CancellationToken clientLeft)
    {
        // Nothing that a replica does cancels anything.
        if (_http.Response.HasStarted)
        {
            return e is OperationCanceledException || clientLeft.IsCancellationRequested || IsClientsFault
                ? new ExchangeResult(ExchangeOutcome.ClientLeft)
                : new ExchangeResult(ExchangeOutcome.BrokenOff, e.Message);
        }

        if (_bodyFailure is BadHttpRequestException bad)
        {
            return new ExchangeResult(ExchangeOutcome.BadRequest, bad.Message, bad.StatusCode);
        }

        if (clientLeft.IsCancellationRequested || _bodyFailure is not null)
        {
            return new ExchangeResult(ExchangeOutcome.ClientLeft);
        }

        if (_idle is { HasFired: true })
        {
            return new ExchangeResult(ExchangeOutcome.IdleTooLong, $"nothing moved for {_options.IdleTimeout.TotalSeconds:0.###} s");
        }

        return e is OperationCanceledException
            ? new ExchangeResult(ExchangeOutcome.ClientLeft)
            : new ExchangeResult(ExchangeOutcome.BadAnswer, e.Message);
    }
}
