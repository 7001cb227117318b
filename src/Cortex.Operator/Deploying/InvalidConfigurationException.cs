using Cortex.Core.Specs;

namespace Cortex.Operator.Deploying;

/// <summary>A configuration file can't be deployed.</summary>
/// <param name="errors">Every reason; at least one.</param>
internal sealed class InvalidConfigurationException(IReadOnlyList<SpecError> errors)
    : Exception(string.Join('\n', errors))
{
    /// <summary>Every reason, in file order.</summary>
    public IReadOnlyList<SpecError> Errors { get; } = errors;
}
