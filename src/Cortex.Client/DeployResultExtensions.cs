using Cortex.Core.Errors;
using Cortex.Core.Wire;

namespace Cortex.Client;

/// <summary>What came of a deployment.</summary>
public static class DeployResultExtensions
{
    /// <summary>Makes an error of it when an API of the configuration was refused. Those that were deployed stay so.</summary>
    /// <param name="results">What came of each API.</param>
    /// <returns>The results.</returns>
    /// <exception cref="CortexException">An API was refused (<see cref="ClientErrorKinds.DeployFailed"/>).</exception>
    public static IReadOnlyList<DeployResult> EnsureDeployed(this IReadOnlyList<DeployResult> results)
    {
        ArgumentNullException.ThrowIfNull(results);
        var errors = results.Where(result => result.Error.Length > 0).Select(result => result.Error).ToArray();
        return errors.Length == 0 ? results : throw new CortexException(ClientErrorKinds.DeployFailed, string.Join('\n', errors));
    }
}
