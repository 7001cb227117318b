using System.Data.Common;

namespace Cortex.Jobs.Storing;

/// <summary>Where the tables of jobs are. What differs between databases is here; the statements are the same.</summary>
internal abstract class JobDatabase : IAsyncDisposable
{
    /// <summary>The epoch that writes name.</summary>
    public long Epoch { get; set; }

    /// <summary>The parameter <c>$1</c>, a value of <see cref="List"/>, as a table <c>l</c> with the column <c>value</c>.</summary>
    public abstract string FromList { get; }

    /// <summary>Some texts as the value of one parameter.</summary>
    public abstract object List(IReadOnlyCollection<string> texts);

    /// <summary>Reads; maybe more than once.</summary>
    public abstract Task<T> ReadAsync<T>(Func<DbConnection, CancellationToken, Task<T>> read, CancellationToken cancellationToken);

    /// <summary>Writes, in one transaction with what others write at that time. Maybe more than once, when nothing was stored before.</summary>
    public abstract Task<T> WriteAsync<T>(Func<DbConnection, Task<T>> write, CancellationToken cancellationToken);

    /// <inheritdoc/>
    public abstract ValueTask DisposeAsync();
}
