namespace Cortex.Core.Specs;

/// <summary>What a configuration file says: its APIs, or every reason why it is not valid.</summary>
/// <param name="Apis">The APIs in file order; only complete when there are no errors.</param>
/// <param name="Errors">In file order; empty when the file is valid.</param>
public sealed record ApiFile(IReadOnlyList<ApiSpec> Apis, IReadOnlyList<SpecError> Errors)
{
    /// <summary>Whether every API in it may be deployed, as far as the file alone can tell.</summary>
    public bool IsValid => Errors.Count == 0;
}
