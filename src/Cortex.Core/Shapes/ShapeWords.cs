namespace Cortex.Core.Shapes;

/// <summary>What a value may be, in words.</summary>
/// <param name="Type">Its type.</param>
/// <param name="Values">Its range, or which values there are; empty when the type says all.</param>
internal readonly record struct ShapeWords(string Type, string Values = "");
