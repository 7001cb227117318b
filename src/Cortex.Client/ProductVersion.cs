namespace Cortex.Client;

/// <summary>The version of this build, which the operator is told.</summary>
internal static class ProductVersion
{
    public static string Current { get; } = typeof(ProductVersion).Assembly.GetName().Version!.ToString(3);
}
