using Cortex.Core.Wire;
using Cortex.Gateway.Routing;
using Cortex.Operator.Reconciling;
using Cortex.Routing;

namespace Cortex.Operator.Endpoints;

/// <summary>The endpoints of several kinds of jobs.</summary>
internal sealed class JobEndpoints(params IReadOnlyList<IJobEndpoints> kinds) : IJobEndpoints
{
    /// <inheritdoc/>
    public JobRoute? RouteOf(DeployedSpec api) => kinds.Select(kind => kind.RouteOf(api)).FirstOrDefault(route => route is not null);

    /// <inheritdoc/>
    public IEndpointHandler? HandlerOf(JobRoute route) => kinds.Select(kind => kind.HandlerOf(route)).FirstOrDefault(handler => handler is not null);
}
