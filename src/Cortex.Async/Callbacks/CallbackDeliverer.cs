using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Cortex.Async.Endpoint;
using Cortex.Background;
using Cortex.Queues;
using Cortex.Routing;
using Microsoft.Extensions.Logging;

namespace Cortex.Async.Callbacks;

/// <summary>
/// POSTs final states to whom asked for them, at least once: leases callbacks from their queue, and completes, retries
/// or gives up each.
/// </summary>
internal sealed class CallbackDeliverer : IAsyncDisposable
{
    private const int AnswerKept = 1024;
    private const string NotReached =
        "the name in the URL is not known, or leads to an address that callbacks may not go to; the cluster configuration can allow targets in callbacks.allowed_targets";

    private static readonly TimeSpan LeaseWait = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan LeaseMargin = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan TroublePause = TimeSpan.FromSeconds(1);

    private readonly IQueueStore _store;
    private readonly CallbackOptions _options;
    private readonly Backoff _pauses;
    private readonly Func<string, AsyncRoute?> _findApi;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly HttpMessageInvoker _http;
    private readonly SlowTargets _slow = new();
    private readonly CancellationTokenSource _stopping = new();
    private Task[] _workers = [];

    /// <summary>Makes a deliverer that does nothing yet.</summary>
    /// <param name="store">Keeps callbacks and requests.</param>
    /// <param name="options">The limits.</param>
    /// <param name="targets">Which targets may be called.</param>
    /// <param name="findApi">The API of a name as it is now; null when there is none.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Its log.</param>
    public CallbackDeliverer(
        IQueueStore store, CallbackOptions options, TargetRules targets, Func<string, AsyncRoute?> findApi, TimeProvider time, ILogger logger)
    {
        _store = store;
        _options = options;
        _pauses = new Backoff(options.Backoff, options.BackoffMax);
        _findApi = findApi;
        _time = time;
        _logger = logger;
        _http = new HttpMessageInvoker(new TargetConnector(targets).CreateHandler());
    }

    /// <summary>Makes the queue of callbacks, which messages with a callback need, and begins to deliver.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await _store.ConfigureAsync(QueueNames.Callbacks, new QueueSettings(_options.Retention), cancellationToken);
        _workers = [.. Enumerable.Range(0, _options.Concurrency).Select(_ => Task.Run(WorkAsync, CancellationToken.None))];
    }

    /// <summary>Stops; callbacks in progress are aborted and put back.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await Task.WhenAll(_workers);
        _http.Dispose();
        _stopping.Dispose();
    }

    private async Task WorkAsync()
    {
        var stopping = _stopping.Token;
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                var message = await _store.LeaseAsync(QueueNames.Callbacks, _options.Timeout + LeaseMargin, LeaseWait, stopping);
                if (message is not null)
                {
                    await WorkOnAsync(message);
                }
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                await PauseAsync(e);
            }
        }
    }

    private async Task PauseAsync(Exception trouble)
    {
        if (trouble is IOException)
        {
            _logger.StoreDoesNotAnswer(TroublePause, trouble.Message);
        }
        else
        {
            _logger.CallbackBroke(trouble);
        }

        await Task.Delay(TroublePause, _time, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task WorkOnAsync(LeasedMessage message)
    {
        using var timeout = new CancellationTokenSource(_options.Timeout, _time);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, _stopping.Token, message.Revoked);
        var delivery = new Delivery(message, _time.GetUtcNow());
        try
        {
            if (await TryDeliverAsync(delivery, ending.Token))
            {
                await _store.CompleteAsync(message.Lease, DeliveryRecord.ResultOf(delivery.Url), CancellationToken.None);
                return;
            }
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested)
        {
            if (message.Revoked.IsCancellationRequested)
            {
                return;
            }

            if (_stopping.IsCancellationRequested)
            {
                await _store.ReleaseAsync(message.Lease, CancellationToken.None);
                return;
            }

            delivery.Fail(Delivery.TimedOut, $"the callback took longer than {_options.Timeout.TotalSeconds} seconds");
        }
        finally
        {
            if (delivery.Target is { } target)
            {
                _slow.Leave(target, delivery.Reason == Delivery.TimedOut);
            }
        }

        if (delivery.Reason == Delivery.Postponed)
        {
            await _store.LoseAsync(message.Lease, delivery.ToAttempt(_time.GetUtcNow()), _pauses.After(message.LostAttempts + 1), CancellationToken.None);
            return;
        }

        await RecordFailureAsync(delivery);
    }

    /// <summary>False when it failed; then the delivery says why.</summary>
    private async ValueTask<bool> TryDeliverAsync(Delivery delivery, CancellationToken cancellationToken)
    {
        if (!delivery.TryRead())
        {
            return delivery.GiveUp("bad_message", "the callback's message is not one of this server's");
        }

        var record = await _store.GetAsync(QueueNames.Of(delivery.ApiName), delivery.RequestId, cancellationToken);
        if (record is null)
        {
            return delivery.GiveUp("request_gone", "the request is not known any more");
        }

        if (record.FollowUp != delivery.Message.Lease.Id)
        {
            return delivery.GiveUp("request_put_back", "the request was put back before its callback was delivered; its next final state is called back");
        }

        if (_findApi(delivery.ApiName) is not { } api)
        {
            return delivery.Fail("api_unknown", "the API is not deployed");
        }

        if (!TryEnter(delivery))
        {
            return delivery.Fail(Delivery.Postponed, "its receiver did not answer lately, and has another callback to answer");
        }

        var document = RequestDocument.Of(record, callback: null);
        try
        {
            return await PostAsync(delivery, document, Convert.FromBase64String(api.CallbackKey), cancellationToken);
        }
        catch (HttpRequestException e) when (e.InnerException is TargetRefusedException { IsByName: true } refused)
        {
            // A name that is unknown, and one that leads to where callbacks may not go, look alike to the client.
            delivery.Detail = refused.Message;
            return delivery.Fail("unreachable", NotReached);
        }
        catch (HttpRequestException e) when (e.InnerException is TargetRefusedException refused)
        {
            return delivery.GiveUp("target_refused", refused.Message);
        }
        catch (HttpRequestException e) when (e.GetBaseException() is SocketException socket)
        {
            delivery.Detail = $"{e.Message}: {socket.Message}";
            return delivery.Fail("unreachable", $"no connection could be made: {socket.SocketErrorCode}");
        }
        catch (Exception e) when (e is HttpRequestException or HttpIOException or InvalidDataException)
        {
            return delivery.Fail("unreachable", e.GetBaseException() == e ? e.Message : $"{e.Message}: {e.GetBaseException().Message}");
        }
    }

    private bool TryEnter(Delivery delivery)
    {
        var target = new Uri(delivery.Url).Authority;
        if (!_slow.TryEnter(target))
        {
            return false;
        }

        delivery.Target = target;
        return true;
    }

    private async ValueTask<bool> PostAsync(Delivery delivery, RequestDocument document, ReadOnlyMemory<byte> key, CancellationToken cancellationToken)
    {
        var timestamp = _time.GetUtcNow().ToUnixTimeSeconds();
        using var request = new HttpRequestMessage(HttpMethod.Post, delivery.Url) { Content = new DocumentContent(document, _store.Blobs) };
        var headers = request.Headers;
        headers.Add("User-Agent", "cortex");
        headers.Add("X-Cortex-Request-ID", delivery.RequestId.ToString());
        headers.Add("X-Cortex-API-Name", delivery.ApiName);
        headers.Add("X-Cortex-Timestamp", timestamp.ToString(CultureInfo.InvariantCulture));
        headers.Add("X-Cortex-Signature", await CallbackSignature.ComputeAsync(key, timestamp, document, _store.Blobs, cancellationToken));
        using var response = await _http.SendAsync(request, cancellationToken);
        if (response.IsSuccessStatusCode)
        {
            return true;
        }

        var status = (int)response.StatusCode;
        return delivery.Fail("bad_status", $"the receiver answered with status {status}", status, await ReadStartAsync(response, cancellationToken));
    }

    private static async ValueTask<string> ReadStartAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        var bytes = new byte[AnswerKept];
        var count = await body.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, cancellationToken);
        return Encoding.UTF8.GetString(bytes, 0, count);
    }

    private async Task RecordFailureAsync(Delivery delivery)
    {
        var message = delivery.Message;
        var failed = message.FailedAttempts + 1;
        TimeSpan? pause = delivery.IsFinal || failed >= _options.Attempts ? null : _pauses.After(failed);
        if (pause is { } retry)
        {
            _logger.CallbackFailed(delivery.ApiName, delivery.RequestId.ToString(), delivery.Url, failed, delivery.Detail ?? delivery.Explanation, retry);
        }
        else
        {
            _logger.CallbackGivenUp(delivery.ApiName, delivery.RequestId.ToString(), delivery.Url, delivery.Detail ?? delivery.Explanation);
        }

        await _store.FailAsync(message.Lease, delivery.ToAttempt(_time.GetUtcNow()), pause, answer: null, CancellationToken.None);
    }
}
