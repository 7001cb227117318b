namespace Cortex.Jobs.Batch.Sources;

/// <summary>One file that items are read from.</summary>
internal abstract class SourceFile
{
    /// <summary>The longest name, in bytes of UTF-8: checkpoints hold it.</summary>
    public const int MaxPathBytes = 2000;

    /// <summary>The whole of its name, such as <c>s3://bucket/key</c>.</summary>
    public required string Path { get; init; }

    /// <summary>Changes with the content; null when nothing tells. At most 200 characters.</summary>
    public required string? Tag { get; init; }

    /// <summary>Its bytes; null when that is not known before they are read.</summary>
    public required long? Length { get; init; }

    /// <summary>
    /// Opens its content from a byte on, or from an earlier one where that is as far as it can jump. An error that may pass is any
    /// exception that <see cref="Retry"/> knows; others are final.
    /// </summary>
    public abstract Task<OpenedFile> OpenAsync(long offset, CancellationToken cancellationToken);
}

/// <summary>Content that is being read.</summary>
/// <param name="Content">The bytes.</param>
/// <param name="Offset">Where in the file the first of them is.</param>
internal readonly record struct OpenedFile(Stream Content, long Offset);
