using Cortex.Core.Errors;

namespace Cortex.Jobs.Batch.Sources;

/// <summary>A kind of place that files come from.</summary>
internal interface ISourceStorage
{
    /// <summary>Whether paths like this are its own, told by how they begin.</summary>
    bool Owns(string path);

    /// <summary>Checks a path without touching the storage.</summary>
    /// <exception cref="CortexException">It is none, or not allowed.</exception>
    void Check(string path);

    /// <summary>The files whose names begin with a path, in the order of their names' UTF-8 bytes; those ending with <c>/</c> are left out.</summary>
    /// <param name="path">A path that passes <see cref="Check"/>.</param>
    /// <param name="after">Only files after this name; null for all.</param>
    /// <param name="cancellationToken">Ends the listing.</param>
    IAsyncEnumerable<SourceFile> ListAsync(string path, string? after, CancellationToken cancellationToken);

    /// <summary>The one file of this name; null when there is none.</summary>
    Task<SourceFile?> FindAsync(string path, CancellationToken cancellationToken);
}
