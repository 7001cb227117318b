using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Cortex.Core.Errors;
using Microsoft.Win32.SafeHandles;

namespace Cortex.Jobs.Batch.Sources;

/// <summary>
/// Files of this machine below the folders that the operator of the cluster allows: <c>file:///folder/prefix</c>, taken as it stands, without percent signs'
/// meaning. Links to folders are not followed; links to files are, as long as they stay below an allowed folder. Pipes, sockets and devices are no files.
/// </summary>
internal sealed class FolderStorage(IReadOnlyList<string> folders, Retry retry) : ISourceStorage
{
    private const string Scheme = "file://";

    private readonly IReadOnlyList<string> _folders = [.. folders.Select(Path.TrimEndingDirectorySeparator)];

    // The folders with every link on the way to them followed: what an opened file is compared with.
    private readonly Lazy<IReadOnlyList<string>> _realFolders = new(() => [.. folders.Select(folder => RealPath.Of(folder) ?? folder)]);

    /// <inheritdoc/>
    public bool Owns(string path) => path.StartsWith(Scheme, StringComparison.Ordinal);

    /// <inheritdoc/>
    public void Check(string path)
    {
        var local = path[Scheme.Length..];
        if (!local.StartsWith('/'))
        {
            throw new CortexException(BatchErrorKinds.InvalidPath, $"\"{path}\" is no absolute path; write file:///folder/prefix");
        }

        if (local.Split('/') is var parts && (parts.Contains("..") || parts.Contains(".") || local.Contains("//", StringComparison.Ordinal) || local.Contains('\0')))
        {
            throw new CortexException(BatchErrorKinds.InvalidPath, $"\"{path}\" must not hold \".\", \"..\" or empty parts");
        }

        if (!_folders.Any(folder => IsBelow(local, folder)))
        {
            throw new CortexException(BatchErrorKinds.PathNotAllowed, $"{path} is in none of the folders that jobs may read: {Allowed}");
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<SourceFile> ListAsync(string path, string? after, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var prefix = path[Scheme.Length..];
        prefix += _folders.Contains(prefix) && !prefix.EndsWith('/') ? "/" : "";   // not its neighbours with longer names
        var start = prefix[..(prefix.LastIndexOf('/') + 1)];
        if (RealPath.Of(start) is { } real && !IsAllowed(real))
        {
            throw LeadsAway(path);
        }

        foreach (var local in Walk(start, prefix, after?[Scheme.Length..], cancellationToken))
        {
            if (await FindAsync(Scheme + local, cancellationToken) is { } file)
            {
                yield return file;
            }
        }
    }

    /// <inheritdoc/>
    public async Task<SourceFile?> FindAsync(string path, CancellationToken cancellationToken)
    {
        Check(path);
        if (Encoding.UTF8.GetByteCount(path) > SourceFile.MaxPathBytes)
        {
            throw new CortexException(BatchErrorKinds.InvalidPath, $"the name of {path} is longer than {SourceFile.MaxPathBytes} bytes");
        }

        var local = path[Scheme.Length..];
        return await retry.RunAsync($"read {path}", _ => Task.FromResult(Look(path, local)), cancellationToken);
    }

    private string Allowed => _folders.Count == 0 ? "none are allowed in the cluster's configuration" : string.Join(", ", _folders);

    private static bool IsBelow(string local, string folder) =>
        local.StartsWith(folder, StringComparison.Ordinal) && (local.Length == folder.Length || local[folder.Length] == '/' || folder == "/");

    private bool IsAllowed(string real) => _realFolders.Value.Any(folder => IsBelow(real, folder));

    private CortexException LeadsAway(string path) => new(BatchErrorKinds.PathNotAllowed, $"{path} leads out of the folders that jobs may read: {Allowed}");

    private LocalFile? Look(string path, string local)
    {
        using var handle = Open(path, local);
        return handle is null ? null : new LocalFile(this, local) { Path = path, Tag = TagOf(handle), Length = RandomAccess.GetLength(handle) };
    }

    // What was opened is looked at, not what a name says: between the two a link could be put in its place.
    private SafeFileHandle? Open(string path, string local)
    {
        if (RegularFile.Open(local) is not { } handle)
        {
            return null;
        }

        try
        {
            var real = RealPath.Of(handle) ?? RealPath.Of(local);
            return real is not null && IsAllowed(real) ? handle : throw LeadsAway(path);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    private static string TagOf(SafeFileHandle handle) =>
        string.Create(CultureInfo.InvariantCulture, $"{File.GetLastWriteTimeUtc(handle).Ticks:x}-{RandomAccess.GetLength(handle):x}");

    // In the order of whole names: a folder counts with its slash, so that "a/b" comes after "a!" as among keys of S3.
    private static IEnumerable<string> Walk(string folder, string prefix, string? after, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        foreach (var name in NamesIn(folder, prefix))
        {
            var isPassed = after is not null && Utf8Order.Instance.Compare(name, after) <= 0;
            if (!name.EndsWith('/'))
            {
                if (!isPassed)
                {
                    yield return name;
                }
            }
            else if (!isPassed || after!.StartsWith(name, StringComparison.Ordinal))
            {
                foreach (var below in Walk(name, prefix, after, cancellationToken))
                {
                    yield return below;
                }
            }
        }
    }

    private static List<string> NamesIn(string folder, string prefix)
    {
        var names = new List<string>();
        try
        {
            foreach (var entry in Directory.Exists(folder) ? new DirectoryInfo(folder).EnumerateFileSystemInfos() : [])
            {
                var isFolder = entry.Attributes.HasFlag(FileAttributes.Directory);
                var name = folder + entry.Name + (isFolder ? "/" : "");
                var isLinkedFolder = isFolder && entry.LinkTarget is not null;
                if (!isLinkedFolder && (name.StartsWith(prefix, StringComparison.Ordinal) || (isFolder && prefix.StartsWith(name, StringComparison.Ordinal))))
                {
                    names.Add(name);
                }
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new CortexException(BatchErrorKinds.Other, $"can't list {Scheme}{folder}: {exception.Message}", exception);
        }

        names.Sort(Utf8Order.Instance);
        return names;
    }

    private sealed class LocalFile(FolderStorage storage, string local) : SourceFile
    {
        public override Task<OpenedFile> OpenAsync(long offset, CancellationToken cancellationToken)
        {
            var handle = storage.Open(Path, local) ?? throw SourceErrors.Gone(Path);
            if (TagOf(handle) != Tag)
            {
                handle.Dispose();
                throw SourceErrors.Changed(Path);
            }

            return Task.FromResult(new OpenedFile(new FileStream(handle, FileAccess.Read, bufferSize: 0) { Position = offset }, offset));
        }
    }
}
