using Cortex.Async.Callbacks;
using Cortex.Background;
using Cortex.Gateway.Routing;
using Cortex.Queues;
using Cortex.Routing;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Cortex.Async.Endpoint;

/// <summary>The HTTP side of one Async API: takes requests, tells what became of them, cancels them and puts them back.</summary>
/// <remarks>
/// Its calls begin on threads that serve sockets. What the store answers continues on the thread pool.
/// </remarks>
internal sealed class AsyncEndpoint(
    IQueueStore store, AsyncOptions options, TargetRules targets, AsyncRoute route, TimeProvider time, ILogger logger) : IEndpointHandler
{
    private readonly PayloadIntake _intake = new(store.Blobs, options, time);
    private readonly string _queue = QueueNames.Of(route.Name);
    private static readonly TimeSpan TroubleInterval = TimeSpan.FromSeconds(10);
    private volatile AsyncRoute _route = route;
    private long _troubleNoted;

    /// <summary>The API as it is configured now; its name never changes.</summary>
    public AsyncRoute Route
    {
        get => _route;
        set => _route = value;
    }

    /// <summary>Fires when the server is about to stop: who waits for a request is answered with what is known.</summary>
    public CancellationToken Stopping { get; init; }

    /// <summary>Gets the API's name when a request was stored that no replica can take.</summary>
    public Action<string> Awaken { get; init; } = static _ => { };

    /// <inheritdoc/>
    public Task HandleAsync(HttpContext http, string target, int start, int end)
    {
        var method = http.Request.Method;
        if (end - start <= 1)   // the endpoint itself, perhaps with a slash behind it
        {
            return HttpMethods.IsPost(method) ? SubmitAsync(http)
                : EndpointAnswer.NotAllowed(http, "POST");   // who asks for a list gets ids, and an id is the key to its request
        }

        var rest = target.AsSpan(start + 1, end - start - 1);
        if (rest is "healthz")
        {
            return EndpointAnswer.Healthy(http);
        }

        var slash = rest.IndexOf('/');
        var name = slash < 0 ? rest : rest[..slash];
        var known = MessageId.TryParse(name, out var id);
        if (slash >= 0 && IsRead(method) && rest[slash..] is "/answer")
        {
            return known ? GuardAsync(http, AnswerAsync(http, id)) : EndpointAnswer.UnknownId(http, name);
        }

        if (slash >= 0)
        {
            return HttpMethods.IsPost(method)
                ? rest[slash..] is not "/retry" ? EndpointAnswer.NotAllowed(http, "GET, HEAD")
                    : known ? GuardAsync(http, RetryAsync(http, id)) : EndpointAnswer.UnknownId(http, name)
                : EndpointAnswer.NotFound(http);
        }

        if (IsRead(method))
        {
            return known ? GuardAsync(http, GetAsync(http, id, target, end)) : EndpointAnswer.UnknownId(http, name);
        }

        return !HttpMethods.IsDelete(method) ? EndpointAnswer.NotAllowed(http, "DELETE, GET, HEAD")
            : known ? GuardAsync(http, CancelAsync(http, id))
            : EndpointAnswer.UnknownId(http, name);
    }

    private static bool IsRead(string method) => HttpMethods.IsGet(method) || HttpMethods.IsHead(method);

    private async Task SubmitAsync(HttpContext http)
    {
        var api = _route;
        var headers = http.Request.Headers;
        if (!SubmitHeaders.TryRead(headers, api.Policy.ResultRetention, targets, out var wish, out var trouble)
            || !MessageHead.TryMeasure(headers, api.Name, wish.CallbackUrl, out var headLength, out trouble))
        {
            await EndpointAnswer.Error(http, StatusCodes.Status400BadRequest, trouble);
            return;
        }

        if (headLength > MessageHead.MaxLength)
        {
            await EndpointAnswer.Error(
                http, StatusCodes.Status431RequestHeaderFieldsTooLarge, $"the request's headers are larger than {MessageHead.MaxLength} bytes");
            return;
        }

        var id = store.NewId();
        TakenRequest taken = default;
        try
        {
            taken = await _intake.TakeAsync(http, id, headLength, api.Policy.MaxPayload, withDigest: wish.IdempotencyKey is not null);
            var head = taken.Head[..MessageHead.Write(taken.Head.Span[..headLength], headers, api.Name, wish.CallbackUrl)];
            var message = new NewMessage
            {
                Id = id,
                Queue = _queue,
                Head = head,
                Payload = taken.Payload,
                Priority = wish.Priority,
                Delay = wish.Delay,
                IdempotencyKey = wish.IdempotencyKey,
                Digest = taken.Digest,
                FollowUpQueue = wish.CallbackUrl.Length > 0 ? QueueNames.Callbacks : null,
            };

            EnqueueResult stored;
            try
            {
                // A client that leaves now may have its request all the same: it does not know either way.
                stored = await store.EnqueueAsync(message, CancellationToken.None);
            }
            catch (InvalidOperationException e)
            {
                logger.QueueNotReady(api.Name, e.Message);   // deployed or deleted this moment
                throw new StoreBusyException("the API's queue takes no requests at the moment");
            }

            if (!stored.IsNew)
            {
                await ForgetAsync(taken.Payload.Blob);
                if (stored.IsConflict)
                {
                    await EndpointAnswer.Error(
                        http, StatusCodes.Status422UnprocessableEntity, $"{SubmitHeaders.KeyHeader} was used for another payload before; take a new key for a new request");
                    return;
                }

                http.Response.Headers["X-Cortex-Idempotent-Replay"] = "true";
            }

            if (wish.Delay == TimeSpan.Zero)
            {
                WakeUp();   // one that is due only later is noticed by whoever counts the queue then
            }

            await EndpointAnswer.Id(http, stored.Id);
        }
        catch (Exception e) when (!http.Response.HasStarted && EndpointAnswer.Knows(e))
        {
            // Where it is unknown whether the request was stored, its payload stays; the store removes payloads of no message.
            if (e is not StoreUnavailableException)
            {
                await ForgetAsync(taken.Payload.Blob);
            }

            NoteTrouble(e);
            await EndpointAnswer.Trouble(http, e);
        }
        finally
        {
            taken.Dispose();   // the store made copies
        }
    }

    private void WakeUp()
    {
        if (_route is { Replicas.Count: 0, Name: var name })
        {
            Awaken(name);
        }
    }

    private async ValueTask ForgetAsync(string? blob)
    {
        if (blob is null)
        {
            return;
        }

        try
        {
            await store.Blobs.DeleteAsync(blob, CancellationToken.None);
        }
        catch (IOException e)
        {
            logger.BlobNotDeleted(blob, e.Message);
        }
    }

    private async Task GetAsync(HttpContext http, MessageId id, string target, int pathEnd)
    {
        var wait = TimeSpan.Zero;
        if (QueryText.Find(target, pathEnd, "wait") is { } text && !DurationText.TryParse(text, out wait))
        {
            await EndpointAnswer.Error(http, StatusCodes.Status400BadRequest, "wait must be whole seconds or a duration such as 30s or 1m30s");
            return;
        }

        await PoolHop.LeaveSocketThread();
        var record = wait > TimeSpan.Zero
            ? await WaitAsync(id, wait < options.MaxWait ? wait : options.MaxWait, http.RequestAborted)
            : await store.GetAsync(_queue, id, CancellationToken.None);
        if (record is null)
        {
            await EndpointAnswer.UnknownId(http, id.ToString());
            return;
        }

        var document = RequestDocument.Of(record, await CallbackState.ReadAsync(store, record, CancellationToken.None));
        await (document.Blob is null ? EndpointAnswer.Document(http, document.Before) : StreamAsync(http, EndpointAnswer.Json, document));
    }

    private async ValueTask<MessageRecord?> WaitAsync(MessageId id, TimeSpan wait, CancellationToken clientLeft)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(clientLeft, Stopping);
        try
        {
            return await store.WaitAsync(_queue, id, wait, ended.Token);
        }
        catch (OperationCanceledException) when (!clientLeft.IsCancellationRequested)
        {
            return await store.GetAsync(_queue, id, CancellationToken.None);
        }
    }

    /// <summary>Answers with a result from the blob store.</summary>
    private async Task StreamAsync(HttpContext http, string type, RequestDocument document)
    {
        var response = http.Response;
        await using var content = await store.Blobs.OpenAsync(document.Blob!, http.RequestAborted);
        if (content is null)
        {
            logger.ResultMissing(_route.Name, document.Blob!);
            await EndpointAnswer.Error(http, StatusCodes.Status500InternalServerError, "the request's result is missing from the blob store");
            return;
        }

        response.ContentType = type;
        response.ContentLength = document.Length;
        if (HttpMethods.IsHead(http.Request.Method))
        {
            return;
        }

        await document.CopyToAsync(content, response.Body, http.RequestAborted);
    }

    /// <summary>What the container answered, byte for byte: the result, or what is kept of a failed request.</summary>
    private async Task AnswerAsync(HttpContext http, MessageId id)
    {
        await PoolHop.LeaveSocketThread();
        var record = await store.GetAsync(_queue, id, CancellationToken.None);
        if (record is null)
        {
            await EndpointAnswer.UnknownId(http, id.ToString());
            return;
        }

        if ((record.Result ?? record.Answer) is not { } answer)
        {
            await EndpointAnswer.Error(http, StatusCodes.Status404NotFound, $"no answer to id {id} is kept: it is {StatusWords.Of(record.Status)}");
            return;
        }

        if (record.Status == MessageStatus.Failed)
        {
            // It may be anything, also a page that a browser would run.
            http.Response.Headers.XContentTypeOptions = "nosniff";
            http.Response.Headers.ContentDisposition = "attachment";
        }

        var type = record.Status == MessageStatus.Failed ? "application/octet-stream" : EndpointAnswer.Json;
        await (answer.Blob is null
            ? EndpointAnswer.Whole(http, type, answer.Inline)
            : StreamAsync(http, type, new RequestDocument(default, answer.Blob, answer.Length, default)));
    }

    private async Task CancelAsync(HttpContext http, MessageId id)
    {
        var outcome = await store.CancelAsync(_queue, id, CancellationToken.None);
        await (outcome switch
        {
            { Done: true } => EndpointAnswer.Status(http, id, MessageStatus.Cancelled),
            { Status: { } status } => EndpointAnswer.Error(
                http, StatusCodes.Status409Conflict, $"id {id} can't be cancelled: it is {StatusWords.Of(status)}"),
            _ => EndpointAnswer.UnknownId(http, id.ToString()),
        });
    }

    private async Task RetryAsync(HttpContext http, MessageId id)
    {
        var outcome = await store.RetryAsync(_queue, id, CancellationToken.None);
        await (outcome switch
        {
            { Done: true } => EndpointAnswer.Status(http, id, MessageStatus.Waiting),
            { Status: { } status } => EndpointAnswer.Error(
                http, StatusCodes.Status409Conflict, $"id {id} can't be put back: it is {StatusWords.Of(status)}, and only failed and cancelled requests can"),
            _ => EndpointAnswer.UnknownId(http, id.ToString()),
        });
    }

    private async Task GuardAsync(HttpContext http, Task work)
    {
        try
        {
            await work;
        }
        catch (Exception e) when (!http.Response.HasStarted && EndpointAnswer.Knows(e))
        {
            NoteTrouble(e);
            await EndpointAnswer.Trouble(http, e);
        }
    }

    // Clients are not told where the server keeps what, so that the log has to say it; one line in a while, however many ask.
    private void NoteTrouble(Exception trouble)
    {
        if (trouble is not (StoreFullException or StoreUnavailableException))
        {
            return;
        }

        var now = time.GetTimestamp();
        var last = Interlocked.Read(ref _troubleNoted);
        if (last != 0 && time.GetElapsedTime(last, now) < TroubleInterval)
        {
            return;
        }

        if (Interlocked.CompareExchange(ref _troubleNoted, now, last) == last)
        {
            logger.StorageTrouble(_route.Name, trouble.Message);
        }
    }
}
