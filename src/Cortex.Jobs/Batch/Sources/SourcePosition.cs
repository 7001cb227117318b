namespace Cortex.Jobs.Batch.Sources;

/// <summary>A place between two items of a source: everything before it has been read, nothing after it.</summary>
/// <param name="Path">Index among the paths of the job.</param>
/// <param name="File">The file that the place is in or just after, whole; null before the first.</param>
/// <param name="Tag">What told the file's content from others' when it was read; null when nothing does.</param>
/// <param name="Offset">Bytes of the file before the place; null when the place is after the whole file.</param>
/// <param name="Item">Items of the file before the place.</param>
internal readonly record struct SourcePosition(int Path, string? File, string? Tag, long? Offset, long Item)
{
    /// <summary>Before everything.</summary>
    public static SourcePosition Start => default;
}
