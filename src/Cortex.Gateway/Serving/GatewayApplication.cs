using System.Runtime.CompilerServices;
using Cortex.Gateway.Admission;
using Cortex.Gateway.Counting;
using Cortex.Gateway.Forwarding;
using Cortex.Gateway.Listening;
using Cortex.Gateway.Replicas;
using Cortex.Gateway.Routing;
using Cortex.Gateway.Shadowing;
using Cortex.Gateway.Splitting;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Abstractions;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Cortex.Gateway.Serving;

/// <summary>The journey of a request: check, route, admit and forward or let a handler answer, record.</summary>
internal sealed class GatewayApplication(
    GatewayOptions options, ApiGates gates, Http2Exchange http2, ShadowCopies shadows, FaultLog faults, PauseWatch pauses, TimeProvider time, ILogger logger) : IHttpApplication<RequestContext>
{
    /// <summary>Bytes that a client's connection reads ahead of whoever takes them.</summary>
    public const int ReadBuffer = 1 << 20;

    /// <summary>Asks whether an API is there without waking it.</summary>
    private const string ProbeHeader = "X-Cortex-Probe";

    public RequestContext CreateContext(IFeatureCollection contextFeatures)
    {
        var context = ContextOf(contextFeatures);
        context.Connection?.Begin();
        return context;
    }

    public void DisposeContext(RequestContext context, Exception? exception)
    {
        context.Connection?.End();
        context.Http.Uninitialize();
    }

    private RequestContext ContextOf(IFeatureCollection contextFeatures)
    {
        if (contextFeatures is not IHostContextContainer<RequestContext> connection)
        {
            return new RequestContext(contextFeatures, options, pauses, time);
        }

        if (connection.HostContext is not { } context)
        {
            return connection.HostContext = new RequestContext(contextFeatures, options, pauses, time);
        }

        context.Http.Initialize(contextFeatures);
        return context;
    }

    public Task ProcessRequestAsync(RequestContext context)
    {
        var http = context.Http;
        if (context.Other is { } other && other.Matches(http))
        {
            return Task.Run(() => other.Handler(http));   // its handlers may block; this thread serves sockets
        }

        var target = http.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        if (RequestCheck.Refusal(http, target, options) is { } refusal)
        {
            return GatewayAnswer.Refuse(http, refusal.Status, refusal.Reason);
        }

        var place = RequestTarget.Parse(target);
        if (!gates.Routes.TryMatch(target.AsSpan()[place.PathStart..place.PathEnd], out var api, out var matched))
        {
            return GatewayAnswer.NoSuchEndpoint(http);
        }

        return api switch
        {
            ApiGate gate => ServeAsync(context, gate, target, matched),
            SplitApi split => SplitAsync(context, split, target, matched),
            _ => HandleAsync(http, (HandledApi)api, target, place.PathStart + matched, place.PathEnd),
        };
    }

    /// <summary>Lets an API's handler answer.</summary>
    private async Task HandleAsync(HttpContext http, HandledApi api, string target, int start, int end)
    {
        var began = time.GetTimestamp();
        var completed = false;
        try
        {
            if (!ForeignRequests.IsHarmless(http.Request.Method) && options.Foreign.Refusal(http.Request) is { } reason)
            {
                await GatewayAnswer.Forbid(http, reason);
            }
            else
            {
                await api.Route.Handler.HandleAsync(http, target, start, end);
            }

            completed = true;
        }
        catch (Exception e) when (e is ConnectionAbortedException or ConnectionResetException || http.RequestAborted.IsCancellationRequested)
        {
            http.Abort();   // the client left
        }
        catch (Exception e)
        {
            logger.HandlerFailed(api.Name, e);
            if (http.Response.HasStarted)
            {
                http.Abort();
            }
            else
            {
                http.Response.Clear();
                await GatewayAnswer.HandlerFailed(http);
                completed = true;
            }
        }
        finally
        {
            api.Metrics.Record(completed ? http.Response.StatusCode : 0, time.GetElapsedTime(began));
        }
    }

    private Task SplitAsync(RequestContext context, SplitApi split, string target, int matched)
    {
        var http = context.Http;
        var branch = split.Choose(StickyValue.Of(http.Request.Headers, split.Sticky));
        if (branch?.Gate is not { } gate)
        {
            split.Metrics.Record(StatusCodes.Status503ServiceUnavailable, TimeSpan.Zero);
            return GatewayAnswer.NoReplica(http);
        }

        var copy = split.ChooseShadow() is { } shadow ? shadows.Begin(http, shadow, target, matched, context.Client) : null;
        return SplitAsync(context, split, branch, gate, copy, target, matched);
    }

    /// <summary>As <see cref="ServeAsync"/>, counted for the splitter too.</summary>
    private async Task SplitAsync(RequestContext context, SplitApi split, SplitBranch branch, ApiGate gate, ShadowCopy? copy, string target, int matched)
    {
        var start = time.GetTimestamp();
        var completed = false;
        (context.IsSplit, context.Outcome) = (true, ExchangeOutcome.NotDelivered);
        try
        {
            completed = await TryServeAsync(context, gate, target, matched);
        }
        finally
        {
            context.IsSplit = false;
            copy?.GiveUp();
            var elapsed = time.GetElapsedTime(start);
            var status = completed ? context.Http.Response.StatusCode : 0;
            gate.Metrics.Record(status, elapsed);
            split.Metrics.Record(status, elapsed);
            if (completed || context.Outcome == ExchangeOutcome.BrokenOff || context.Http.Response.HasStarted)
            {
                branch.Record(status, brokeOff: context.Outcome == ExchangeOutcome.BrokenOff, elapsed);
            }
            else
            {
                branch.RecordUnanswered(elapsed);
            }
        }
    }

    private async Task ServeAsync(RequestContext context, ApiGate gate, string target, int matched)
    {
        var http = context.Http;
        var start = time.GetTimestamp();
        var completed = false;
        try
        {
            completed = await TryServeAsync(context, gate, target, matched);
        }
        finally
        {
            gate.Metrics.Record(completed ? http.Response.StatusCode : 0, time.GetElapsedTime(start));
        }
    }

    /// <summary>False when the client is gone or its answer broke off.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<bool> TryServeAsync(RequestContext context, ApiGate gate, string target, int matched)
    {
        var http = context.Http;
        var clientLeft = http.RequestAborted;
        context.Patience.Begin(http, gate.ClientIdleTimeout, gate.StreamIdleTimeout);
        var begins = context.Patience.BodyBeginsAsync();
        if (!begins.IsCompletedSuccessfully && !await TryAwaitBodyAsync(http, begins))
        {
            return !http.RequestAborted.IsCancellationRequested;
        }

        var entry = await gate.EnterAsync(clientLeft);
        if (entry.Outcome == AdmissionOutcome.Asleep)
        {
            if (http.Request.Headers.ContainsKey(ProbeHeader))
            {
                await GatewayAnswer.Probed(http);
                return true;
            }

            entry = await WakeAsync(context, gate, clientLeft);
        }

        List<Replica>? tried = null;
        var prepared = false;
        while (entry.Replica is { } replica)
        {
            var slot = context.Slot;
            slot.Hold(gate, replica);
            ExchangeResult result;
            try
            {
                result = await ForwardAsync(context, replica, target, matched, prepared, clientLeft);
                if (result.Outcome == ExchangeOutcome.NotDelivered)
                {
                    slot.ReleaseUnreachable();
                }
            }
            catch (BadClientRequestException e)
            {
                result = new ExchangeResult(ExchangeOutcome.BadRequest, e.Message, StatusCodes.Status400BadRequest);
            }
            finally
            {
                slot.Release();
            }

            if (result.Outcome != ExchangeOutcome.NotDelivered)
            {
                context.Outcome = result.Outcome;
                return await EndAsync(http, gate, replica, result);
            }

            faults.Add(ReplicaFault.Unreachable, gate.Name, replica.Address.Id, result.Reason);
            prepared = true;
            (tried ??= []).Add(replica);
            entry = await gate.EnterAgainAsync(tried, clientLeft);
            if (entry.Outcome == AdmissionOutcome.Asleep)
            {
                entry = await WakeAsync(context, gate, clientLeft);   // its last replica went away just now
            }
        }

        return await RefuseAsync(http, gate, entry);
    }

    /// <summary>False when it never begins; then the client has its answer, or is gone.</summary>
    private static async ValueTask<bool> TryAwaitBodyAsync(HttpContext http, ValueTask begins)
    {
        try
        {
            await begins;
            return true;
        }
        catch (BadHttpRequestException e)
        {
            await GatewayAnswer.Refuse(http, e.StatusCode, e.Message);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            http.Abort();
        }

        return false;
    }

    /// <summary>Waits for an API's first replica.</summary>
    private static async ValueTask<AdmissionResult> WakeAsync(RequestContext context, ApiGate gate, CancellationToken clientLeft)
    {
        var entry = await gate.WakeAsync(BufferedBody(context.Http), clientLeft);
        if (entry.Replica is not null && !context.IsSplit)
        {
            context.Http.Response.Headers[AnswerHead.OriginHeader] = AnswerHead.OriginOfWoken;
        }

        return entry;
    }

    /// <summary>How much of a body the connection may take in before anybody reads it.</summary>
    private static long BufferedBody(HttpContext http) =>
        http.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: true }
            ? Math.Min(http.Request.ContentLength ?? ReadBuffer, ReadBuffer)
            : 0;

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<ExchangeResult> ForwardAsync(
        RequestContext context, Replica replica, string target, int matched, bool prepared, CancellationToken clientLeft)
    {
        var http = context.Http;
        if (Http2Exchange.IsGrpc(http.Request))
        {
            return await http2.SendAsync(http, replica.Address, target, matched, context.Client, saysOrigin: !context.IsSplit, context.Patience, clientLeft);
        }

        var pool = replica.Pool;
        if (!prepared)
        {
            context.Exchange.Prepare(http, target, matched, context.Client, replica.Address.Host, saysOrigin: !context.IsSplit);
        }

        try
        {
            while (true)
            {
                var reused = pool.TryTake(out var connection);
                connection ??= await pool.ConnectAsync(clientLeft);
                var result = await context.Exchange.SendAsync(pool, connection, context.Slot, clientLeft);
                if (result.Outcome != ExchangeOutcome.NotDelivered || !reused)
                {
                    return result;
                }
            }
        }
        catch (UpstreamUnreachableException e)
        {
            return new ExchangeResult(ExchangeOutcome.NotDelivered, e.Message);
        }
        catch (OperationCanceledException) when (clientLeft.IsCancellationRequested)
        {
            return new ExchangeResult(ExchangeOutcome.ClientLeft);
        }
    }

    private async ValueTask<bool> EndAsync(HttpContext http, ApiGate gate, Replica replica, ExchangeResult result)
    {
        switch (result.Outcome)
        {
            case ExchangeOutcome.Answered:
                return true;
            case ExchangeOutcome.BadAnswer:
                faults.Add(ReplicaFault.BadAnswer, gate.Name, replica.Address.Id, result.Reason);
                http.Response.Clear();
                await GatewayAnswer.BadGateway(http);
                return true;
            case ExchangeOutcome.IdleTooLong:
                faults.Add(ReplicaFault.BadAnswer, gate.Name, replica.Address.Id, result.Reason);
                http.Response.Clear();
                await GatewayAnswer.IdleTooLong(http);
                return true;
            case ExchangeOutcome.BadRequest:
                http.Response.Clear();
                await GatewayAnswer.Refuse(http, result.Status, result.Reason ?? "");
                return true;
            case ExchangeOutcome.BrokenOff:
                faults.Add(ReplicaFault.BrokenOff, gate.Name, replica.Address.Id, result.Reason);
                http.Abort();
                return false;
            default:
                http.Abort();
                return false;
        }
    }

    private static async ValueTask<bool> RefuseAsync(HttpContext http, ApiGate gate, AdmissionResult entry)
    {
        http.Response.Headers.Remove(AnswerHead.OriginHeader);
        switch (entry.Outcome)
        {
            case AdmissionOutcome.QueueFull:
                gate.Metrics.RecordRejection(RejectReason.QueueFull);
                await GatewayAnswer.QueueFull(http);
                return true;
            case AdmissionOutcome.NoReplica or AdmissionOutcome.Asleep:
                gate.Metrics.RecordRejection(RejectReason.NoReplica);
                await GatewayAnswer.NoReplica(http);
                return true;
            case AdmissionOutcome.CannotStart:
                gate.Metrics.RecordRejection(RejectReason.CannotStart);
                await GatewayAnswer.CannotStart(http, entry.Reason ?? "");
                return true;
            case AdmissionOutcome.NotAwakeInTime:
                gate.Metrics.RecordRejection(RejectReason.WakeTimeout);
                await GatewayAnswer.NotAwakeInTime(http, entry.Reason);
                return true;
            case AdmissionOutcome.TimedOut:
                gate.Metrics.RecordRejection(RejectReason.QueueTimeout);
                await GatewayAnswer.WaitedTooLong(http);
                return true;
            case AdmissionOutcome.AllTried:
                gate.Metrics.RecordRejection(RejectReason.Unreachable);
                await GatewayAnswer.BadGateway(http);
                return true;
            case AdmissionOutcome.ApiRemoved:
                await GatewayAnswer.NoSuchEndpoint(http);
                return true;
            default:
                http.Abort();
                return false;
        }
    }
}
