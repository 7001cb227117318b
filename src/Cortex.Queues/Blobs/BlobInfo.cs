namespace Cortex.Queues.Blobs;

/// <summary>A blob that exists.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Modified">When it was written.</param>
public readonly record struct BlobInfo(string Name, DateTimeOffset Modified);
