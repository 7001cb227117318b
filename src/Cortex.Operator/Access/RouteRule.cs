using Cortex.Core.Specs;

namespace Cortex.Operator.Access;

/// <summary>What a route asks of the token of an API's containers.</summary>
/// <param name="Own">What it takes for the API itself.</param>
/// <param name="Others">What it takes for any other API, or for what is no API's.</param>
internal sealed record RouteRule(ClientAccess Own, ClientAccess Others)
{
    /// <summary>A route that asks the same whatever API it is about.</summary>
    public RouteRule(ClientAccess access)
        : this(access, access)
    {
    }
}
