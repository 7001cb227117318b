namespace Cortex.Core.Clusters;

/// <summary>Host names by which containers reach their cluster, as in Cortex 0.42.</summary>
public static class InsideNames
{
    /// <summary>All APIs, on port 80.</summary>
    public const string Apis = "ingressgateway-apis.istio-system.svc.cluster.local";

    /// <summary>The operator, on port 80.</summary>
    public const string OperatorGateway = "ingressgateway-operator.istio-system.svc.cluster.local";

    /// <summary>The operator, on <see cref="OperatorPort"/>.</summary>
    public const string Operator = "operator.default.svc.cluster.local";

    /// <summary>Where the operator listens for containers.</summary>
    public const int OperatorPort = 8888;
}
