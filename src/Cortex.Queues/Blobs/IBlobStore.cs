namespace Cortex.Queues.Blobs;

/// <summary>
/// Large payloads and results. Names are paths of lower-case letters, digits, dashes and slashes. Failures are
/// <see cref="StoreFullException"/> and <see cref="StoreUnavailableException"/>.
/// </summary>
public interface IBlobStore : IAsyncDisposable
{
    /// <summary>Makes sure that the store is the cluster's: marks one that bears no id yet, or that of the cluster that is adopted.</summary>
    /// <exception cref="StoreOwnedException">It is another cluster's.</exception>
    Task ClaimAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>
    /// Writes a blob from a stream, which never sits whole in memory, and returns its length when it is durable. Nothing is seen under the name before that;
    /// a blob of the same name is replaced. What the source throws is thrown on, and nothing is left.
    /// </summary>
    Task<long> WriteAsync(string name, Stream content, CancellationToken cancellationToken);

    /// <summary>Opens a blob for reading from its start. Null when there is none.</summary>
    Task<Stream?> OpenAsync(string name, CancellationToken cancellationToken);

    /// <summary>Deletes a blob. One that does not exist is no error.</summary>
    Task DeleteAsync(string name, CancellationToken cancellationToken);

    /// <summary>Every blob, in no particular order, without holding all in memory.</summary>
    IAsyncEnumerable<BlobInfo> ListAsync(CancellationToken cancellationToken);
}
