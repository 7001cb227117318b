using Cortex.Core.Errors;
using Cortex.Core.Wire;

namespace Cortex.Operator.Deploying;

/// <summary>Decides which earlier version of an API is deployed again. Pure.</summary>
internal static class RollbackRule
{
    /// <summary>The version to go back to.</summary>
    /// <remarks>
    /// A refresh makes a version with the same configuration, and going back to that would change nothing. So without an id it is the newest
    /// version whose configuration is another one; done twice it leads back to where it began.
    /// </remarks>
    /// <param name="deployed">The version that is deployed.</param>
    /// <param name="versions">The API's history, newest first.</param>
    /// <param name="apiId">The wanted version; empty for the one before.</param>
    /// <exception cref="CortexException">There is no such version, or it is the same as the deployed one.</exception>
    public static DeployedSpec Choose(DeployedSpec deployed, IReadOnlyList<DeployedSpec> versions, string apiId)
    {
        if (apiId.Length == 0)
        {
            return versions.FirstOrDefault(version => version.SpecId != deployed.SpecId && version.Kind == deployed.Kind)
                ?? throw new CortexException("resources.no_earlier_version", $"{deployed.Name} has no earlier version with another configuration; `cortex get {deployed.Name}` lists its versions, of which the cluster keeps the latest `limits.api_versions`");
        }

        var chosen = versions.FirstOrDefault(version => version.Id == apiId)
            ?? throw new CortexException("resources.api_id_not_found", $"{deployed.Name} has no version {apiId}; `cortex get {deployed.Name}` lists its versions");
        return chosen.SpecId != deployed.SpecId ? chosen : throw Same(chosen);
    }

    /// <summary>The error of a version that is deployed already.</summary>
    public static CortexException Same(DeployedSpec version) => new(
        "resources.version_already_deployed", $"{version.Name} has the configuration of {version.Id} already; to replace its replicas run `cortex refresh {version.Name}`");
}
