using Cortex.Core.Errors;

namespace Cortex.Jobs.Batch.Sources;

/// <summary>Every place that files come from.</summary>
public sealed class SourceStorages : IDisposable
{
    private readonly S3Storage _s3;
    private readonly HttpStorage _http;
    private readonly IReadOnlyList<ISourceStorage> _all;

    /// <summary>Connects to nothing yet.</summary>
    public SourceStorages(SourceOptions options, TimeProvider time)
    {
        Retry = new Retry(options, time);
        _s3 = new S3Storage(options.S3, Retry);
        _http = new HttpStorage(options, Retry);
        _all = [_s3, _http, new FolderStorage(options.Folders, Retry)];
    }

    internal Retry Retry { get; }

    /// <summary>The storage of a path that was checked or is to be checked there.</summary>
    /// <exception cref="CortexException">No storage owns it.</exception>
    internal ISourceStorage Of(string path) => _all.FirstOrDefault(storage => storage.Owns(path))
        ?? throw new CortexException(BatchErrorKinds.InvalidPath, $"\"{path}\" is no path that a job can read; write s3://bucket/prefix, file:///folder/prefix, http://host/file or https://host/file");

    /// <inheritdoc/>
    public void Dispose()
    {
        _s3.Dispose();
        _http.Dispose();
    }
}
