using Cortex.Core.Specs;

namespace Cortex.Core.Clusters;

/// <summary>What a cluster's configuration file says, or every reason why it is not valid.</summary>
/// <param name="Config">The configuration; null when there are errors.</param>
/// <param name="Errors">In file order; empty when the file is valid.</param>
public sealed record ClusterFile(ClusterConfig? Config, IReadOnlyList<SpecError> Errors);
