using Cortex.Core.Wire;
using Cortex.Runtimes;

namespace Cortex.Jobs;

/// <summary>What jobs need of the cluster that they run in.</summary>
/// <param name="Deployed">The version of an API that is deployed now; null when there is none of that name.</param>
/// <param name="MakePod">A pod that runs a version: its containers, labels and files.</param>
public sealed record JobHost(Func<string, DeployedSpec?> Deployed, Func<DeployedSpec, PodDefinition> MakePod);
