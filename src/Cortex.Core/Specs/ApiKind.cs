namespace Cortex.Core.Specs;

/// <summary>The five kinds of workload. The names are the values of <c>kind</c> in the YAML.</summary>
public enum ApiKind
{
    /// <summary>An HTTP endpoint that answers at once.</summary>
    RealtimeAPI,

    /// <summary>Submit, get an id, fetch the result later.</summary>
    AsyncAPI,

    /// <summary>A job that splits a data set over many workers.</summary>
    BatchAPI,

    /// <summary>A job that runs a container to its end.</summary>
    TaskAPI,

    /// <summary>Weights, and a shadow, over several Realtime APIs.</summary>
    TrafficSplitter,
}
