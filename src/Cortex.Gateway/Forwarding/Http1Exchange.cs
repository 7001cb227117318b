using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Cortex.Gateway.Forwarding;

/// <summary>
/// Forwards one request after another over HTTP/1.1 connections to replicas. Belongs to one client connection (or
/// HTTP/2 stream) and is used by one request at a time.
/// </summary>
/// <remarks>The steps of <see cref="SendAsync"/>:
/// 1. send the head, with a short body that is here already; 2. let a longer body flow; 3. read the answer's head;
/// 4. pass it on; 5. let the answer's body flow; 6. keep the connection or close it.</remarks>
internal sealed class Http1Exchange(GatewayOptions options, TimeProvider time)
{
    private const int MaxInlineBody = 8 * 1024;
    private const int MaxInterimAnswers = 64;
    private readonly HeadBuffer _request = new();
    private HttpContext _http = null!;
    private UpstreamConnection _connection = null!;
    private BodyFraming _body;
    private bool _bodyIsInline;
    private bool _switchesProtocol;
    private Exception? _bodyFailure;
    private IdleWatch? _idle;

    /// <summary>Writes the request's head. Called once, before the first attempt to send it.</summary>
    /// <exception cref="BadClientRequestException">It cannot be passed on.</exception>
    public void Prepare(HttpContext http, string rawTarget, int matched, string clientAddress, string replicaHost)
    {
        _http = http;
        _body = BodyFraming.Of(http);
        _switchesProtocol = ProtocolSwitch.IsWanted(http);
        _bodyFailure = null;
        _request.Clear();
        RequestHead.Write(_request, http.Request, rawTarget, matched, _body, _switchesProtocol, clientAddress, replicaHost);
        _bodyIsInline = _body.Kind == BodyKind.None || (_body.Kind == BodyKind.Sized && TryInlineBody());
    }

    /// <summary>Sends the request over a connection, which it keeps or closes, and passes the answer on.</summary>
    public async ValueTask<ExchangeResult> SendAsync(UpstreamPool pool, UpstreamConnection connection, CancellationToken clientLeft)
    {
        _connection = connection;
        _idle = options.IdleTimeout == TimeSpan.Zero ? null : new IdleWatch(options.IdleTimeout, time, Abandon);
        var reusable = false;
        try
        {
            using (clientLeft.UnsafeRegister(static state => ((UpstreamConnection)state!).Dispose(), connection))
            {
                try
                {
                    await connection.SendAsync(_request.Written);
                }
                catch (Exception e) when (IsConnectionFailure(e))
                {
                    return clientLeft.IsCancellationRequested
                        ? new ExchangeResult(ExchangeOutcome.ClientLeft)
                        : new ExchangeResult(ExchangeOutcome.NotDelivered, e.Message);
                }

                reusable = _bodyIsInline ? await AnswerAsync(pool) : await AnswerWithBodyAsync(pool);
            }

            return new ExchangeResult(ExchangeOutcome.Answered);
        }
        catch (Exception e) when (IsConnectionFailure(e))
        {
            return Failed(e, clientLeft);
        }
        finally
        {
            _idle?.Dispose();
            if (reusable && !clientLeft.IsCancellationRequested)
            {
                pool.Return(connection);
            }
            else
            {
                connection.Dispose();
            }
        }
    }

    private static bool IsConnectionFailure(Exception e) =>
        e is IOException or SocketException or ObjectDisposedException or OperationCanceledException or InvalidOperationException or BadHttpRequestException;

    private ExchangeResult Failed(Exception e, CancellationToken clientLeft)
    {
        if (_http.Response.HasStarted)
        {
            return new ExchangeResult(
                clientLeft.IsCancellationRequested ? ExchangeOutcome.ClientLeft : ExchangeOutcome.BrokenOff, e.Message);
        }

        if (_bodyFailure is BadHttpRequestException bad)
        {
            return new ExchangeResult(ExchangeOutcome.BadRequest, bad.Message, bad.StatusCode);
        }

        if (clientLeft.IsCancellationRequested || _bodyFailure is not null)
        {
            return new ExchangeResult(ExchangeOutcome.ClientLeft);
        }

        return _idle is { HasFired: true }
            ? new ExchangeResult(ExchangeOutcome.IdleTooLong, $"nothing moved for {options.IdleTimeout.TotalSeconds:0.###} s")
            : new ExchangeResult(ExchangeOutcome.BadAnswer, e.Message);
    }

    private void Abandon()
    {
        _connection.Dispose();
        if (_http.Response.HasStarted)
        {
            _http.Abort();   // the client may be the one that does not read
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

    private async ValueTask<bool> AnswerWithBodyAsync(UpstreamPool pool)
    {
        Task<bool>? answering = null;
        if (_http.Request.Headers.Expect.Count > 0)
        {
            // The replica's word decides whether the client sends its body. Without a word in time, it does.
            var head = ReadHeadAsync(skipInterim: false).AsTask();
            try
            {
                await head.WaitAsync(options.ExpectTimeout, time);
                if (_connection.Head.Status != StatusCodes.Status100Continue)
                {
                    await PassOnAsync(pool);
                    return false;   // the replica still waits for a body that will not come
                }

                _connection.Consume(_connection.Head.Length);
            }
            catch (TimeoutException)
            {
                answering = AnswerAfterAsync(head, pool);
            }
        }

        using var done = new CancellationTokenSource();
        var sending = SendBodyAsync(done.Token);
        var sent = false;
        try
        {
            answering ??= AnswerAsync(pool).AsTask();
            var reusable = await answering;
            sent = sending.IsCompletedSuccessfully && sending.Result;
            return reusable && sent;
        }
        finally
        {
            if (!sent)
            {
                // Answered before the body's end, or failed: nobody reads the rest.
                _connection.Dispose();
                await done.CancelAsync();
                await sending;
            }
        }
    }

    private async Task<bool> AnswerAfterAsync(Task head, UpstreamPool pool)
    {
        await head;
        return _connection.Head.Status < 200 && _connection.Head.Status != StatusCodes.Status101SwitchingProtocols
            ? await SkipInterimAsync(pool)
            : await PassOnAsync(pool);
    }

    private async ValueTask<bool> SkipInterimAsync(UpstreamPool pool)
    {
        _connection.Consume(_connection.Head.Length);
        return await AnswerAsync(pool);
    }

    /// <summary>Sends the body as it comes. True when the replica was given all of it. Never throws.</summary>
    private async Task<bool> SendBodyAsync(CancellationToken answered)
    {
        var sender = new BodySender(_connection, _body.Kind == BodyKind.Chunked);
        try
        {
            var reader = _http.Request.BodyReader;
            while (true)
            {
                var read = await reader.ReadAsync(answered);
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
        catch (Exception e) when (IsConnectionFailure(e))
        {
            if (!answered.IsCancellationRequested)
            {
                // The client's fault: the replica must not take the part it got for the whole.
                _bodyFailure = e;
                _connection.Dispose();
            }

            return false;
        }
        finally
        {
            sender.Dispose();
        }
    }

    /// <summary>Reads the answer and passes it on. True when the connection can take another request.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<bool> AnswerAsync(UpstreamPool pool)
    {
        await ReadHeadAsync(skipInterim: true);
        return await PassOnAsync(pool);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask ReadHeadAsync(bool skipInterim)
    {
        var connection = _connection;
        var head = connection.Head;
        for (var interim = 0; ; interim++)
        {
            while (!head.TryParse(connection.Unread))
            {
                if (!await connection.FillAsync())
                {
                    throw new BadUpstreamAnswerException(
                        connection.Unread.IsEmpty ? "the connection was closed without an answer" : "the connection was closed within the answer's head");
                }

                _idle?.Touch();
            }

            if (head.Status >= 200 || head.Status == StatusCodes.Status101SwitchingProtocols || !skipInterim)
            {
                return;
            }

            if (interim == MaxInterimAnswers)
            {
                throw new BadUpstreamAnswerException($"more than {MaxInterimAnswers} interim answers");
            }

            connection.Consume(head.Length);
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<bool> PassOnAsync(UpstreamPool pool)
    {
        var connection = _connection;
        var head = connection.Head;
        var response = _http.Response;
        if (head.Status == StatusCodes.Status101SwitchingProtocols && !_switchesProtocol)
        {
            throw new BadUpstreamAnswerException("the answer switches protocols though nobody asked for it");
        }

        var copy = new BodyCopier(connection, response, _idle);
        AnswerHead.PassOn(head, connection.Unread, response, pool.Strings);
        connection.Consume(head.Length);
        if (head.Status == StatusCodes.Status101SwitchingProtocols)
        {
            await ProtocolSwitch.TunnelAsync(_http, connection, _idle);
            return false;
        }

        if (HttpMethods.IsHead(_http.Request.Method) || head.Status is 204 or 205 or 304)
        {
            // Bytes that follow belong to no answer that we know of.
            return head.KeepsConnection && connection.Unread.IsEmpty && head.Status != 205;
        }

        if (head.IsChunked)
        {
            await copy.ChunkedAsync();
        }
        else if (head.ContentLength is { } length)
        {
            await copy.SizedAsync(length);
        }
        else
        {
            await copy.UntilCloseAsync();
            return false;
        }

        return head.KeepsConnection && connection.Unread.IsEmpty;
    }
}
