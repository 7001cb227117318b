using Cortex.Core.Wire;
using Cortex.Gateway.Routing;
using Cortex.Routing;

namespace Cortex.Operator.Reconciling;

/// <summary>Serves the endpoints of APIs that run jobs.</summary>
internal interface IJobEndpoints
{
    /// <summary>The route of an API; null when its kind has no jobs.</summary>
    JobRoute? RouteOf(DeployedSpec api);

    /// <summary>What answers the requests of a route; null when its kind is another.</summary>
    IEndpointHandler? HandlerOf(JobRoute route);
}
