using Cortex.Dispatch;
using Cortex.Async.Endpoint;
using Cortex.Gateway.Routing;
using Cortex.Routing;
using Microsoft.AspNetCore.Http;

namespace Cortex.Async;

/// <summary>One Async API's parts. It is kept when its API leaves until nothing is in progress, and goes on if the API comes back.</summary>
internal sealed class AsyncApi(AsyncEndpoint endpoint, Dispatcher dispatcher) : IEndpointHandler
{
    private volatile bool _isDeployed;
    private volatile bool _isReady;
    private AsyncTraffic[] _traffic = [default];   // replaced whole: the struct is too large to be written at once

    public AsyncEndpoint Endpoint => endpoint;

    public Dispatcher Dispatcher => dispatcher;

    /// <summary>Whether the snapshot names it.</summary>
    public bool IsDeployed => _isDeployed;

    /// <summary>What waited and was in progress when it was counted last.</summary>
    public AsyncTraffic Traffic
    {
        get => Volatile.Read(ref _traffic)[0];
        set => Volatile.Write(ref _traffic, [value]);
    }

    /// <summary>The snapshot names it. Its queue is being configured, unless it was named before.</summary>
    public void Apply(AsyncRoute route)
    {
        endpoint.Route = route;
        dispatcher.Apply(route.Replicas, route.MaxConcurrency, route.Policy);
        _isDeployed = true;
    }

    /// <summary>Its queue has been configured.</summary>
    public void Open()
    {
        _isReady = true;
        dispatcher.Start();
        if (!_isDeployed)
        {
            Close();   // it left meanwhile
        }
    }

    /// <summary>The snapshot names it no more.</summary>
    public void Leave()
    {
        _isDeployed = false;
        Close();
        dispatcher.Apply([], 1, endpoint.Route.Policy);
    }

    /// <inheritdoc/>
    public Task HandleAsync(HttpContext http, string target, int start, int end)
    {
        if (_isReady)
        {
            return endpoint.HandleAsync(http, target, start, end);
        }

        http.Response.Headers.RetryAfter = "1";
        return EndpointAnswer.Error(http, StatusCodes.Status503ServiceUnavailable, "the API's queue is not ready yet; try again shortly");
    }

    private void Close()
    {
        _isReady = false;
        dispatcher.Stop();
    }
}
