namespace Cortex.Core.Identifiers;

/// <summary>Identifies one version of an API: <c>TIME-DEPLOYMENT-SPEC</c>.</summary>
/// <param name="Time">When the version was made.</param>
/// <param name="DeploymentId">The roll-out; empty for kinds without replicas.</param>
/// <param name="SpecId">The specification.</param>
public readonly record struct ApiId(TimeId Time, string DeploymentId, string SpecId)
{
    /// <summary>Reads an id; false when the text is not one.</summary>
    public static bool TryParse(string? text, out ApiId id)
    {
        id = default;
        if (text?.Split('-') is not [var time, var deployment, { Length: > 0 } spec] || !TimeId.TryParse(time, out var moment))
        {
            return false;
        }

        id = new(moment, deployment, spec);
        return true;
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Time}-{DeploymentId}-{SpecId}";
}
