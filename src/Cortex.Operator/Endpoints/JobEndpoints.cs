using Cortex.Core.Wire;
using Cortex.Gateway.Routing;
using Cortex.Operator.Reconciling;

namespace Cortex.Operator.Endpoints;

/// <summary>The endpoints of several kinds of jobs.</summary>
internal sealed class JobEndpoints(params IReadOnlyList<IJobEndpoints> kinds) : IJobEndpoints
{
    /// <inheritdoc/>
    public HandlerRoute? RouteOf(DeployedSpec api) => kinds.Select(kind => kind.RouteOf(api)).FirstOrDefault(route => route is not null);
}
