using Cortex.Core.Wire;
using Cortex.Gateway.Routing;

namespace Cortex.Operator.Reconciling;

/// <summary>Serves the endpoints of APIs that run jobs.</summary>
internal interface IJobEndpoints
{
    /// <summary>The route of an API; null when its kind has no jobs.</summary>
    HandlerRoute? RouteOf(DeployedSpec api);
}
