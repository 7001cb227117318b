namespace Cortex.Cli.Clusters;

/// <summary>A value of a cluster's configuration that becomes another one.</summary>
/// <param name="Path">Its key, such as <c>apis.port</c>.</param>
/// <param name="Before">What it is now; null for nothing.</param>
/// <param name="After">What it will be; null for nothing.</param>
internal sealed record ConfigChange(string Path, string? Before, string? After)
{
    /// <summary>Such as <c>apis.port: 8889 becomes 9000</c>.</summary>
    public string Describe() =>
        Before is null ? $"{Path}: {Text(After)} is new"
        : After is null ? $"{Path}: {Text(Before)} goes"
        : $"{Path}: {Text(Before)} becomes {Text(After)}";

    private static string Text(string? value) => value is { Length: > 0 } ? value : "empty";
}
