using System.Buffers;
using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Microsoft.Win32.SafeHandles;

namespace Cortex.Queues.Blobs;

/// <summary>
/// Blobs as files below one folder, which several processes may share. The first part of a name is a folder, the rest a
/// file: <c>3f2a/0198-…/payload</c> is <c>3f2a/0198-….payload</c>, so that a message costs no folder of its own. Those
/// folders (65,536 at most with <see cref="BlobNames"/>) are never removed, thus none vanishes under a writer.
/// </summary>
public sealed class FolderBlobStore : IBlobStore
{
    private const string Unfinished = ".unfinished";
    private const int BufferBytes = 128 * 1024;
    private const int NoSpace = 28;
    private const int OverQuota = 122;

    // Each sync blocks a thread for as long as the disk likes.
    private const int ParallelSyncs = 32;

    private readonly string _root;
    private readonly string _unfinished;
    private readonly FolderBlobOptions _options;
    private readonly DiskRoom _room;
    private readonly SemaphoreSlim _syncs = new(ParallelSyncs);

    // A folder that exists may have been made by somebody who has not synced it yet.
    private readonly ConcurrentDictionary<string, bool> _durableFolders = new();

    /// <summary>Opens the folder, makes it when there is none, and removes files that a killed process left half-written.</summary>
    /// <param name="folder">The folder, on a file system with honest syncs and locks.</param>
    /// <param name="options">Whose it is and how full its disk may become; null for nobody's and full.</param>
    /// <exception cref="IOException">The folder can't be made or written.</exception>
    public FolderBlobStore(string folder, FolderBlobOptions? options = null)
    {
        _options = options ?? new FolderBlobOptions();
        _root = Path.GetFullPath(folder);
        _room = new DiskRoom(_root);
        _unfinished = Path.Combine(_root, Unfinished);
        Directory.CreateDirectory(_unfinished);
        FolderSync.Sync(_root);
        foreach (var file in Directory.EnumerateFiles(_unfinished))
        {
            RemoveIfNobodyWrites(file);
        }
    }

    /// <inheritdoc/>
    public async Task ClaimAsync(CancellationToken cancellationToken)
    {
        if (_options.Cluster is not { } cluster)
        {
            return;
        }

        var path = Path.Combine(_root, OwnerMark.Name);
        try
        {
            var (owner, label) = File.Exists(path) ? OwnerMark.Read(await File.ReadAllBytesAsync(path, cancellationToken)) : (null, null);
            if (cluster.MustMark($"the folder {_root}", owner, label))
            {
                var temporary = Path.Combine(_unfinished, Guid.NewGuid().ToString("N"));
                using (var file = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None))
                {
                    await file.WriteAsync(OwnerMark.Write(cluster), cancellationToken);
                    file.Flush(flushToDisk: true);
                    File.Move(temporary, path, overwrite: true);
                }

                FolderSync.Sync(_root);
            }
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException and not StoreOwnedException)
        {
            throw Translate(e, OwnerMark.Name, "write");
        }
    }

    /// <inheritdoc/>
    public async Task<long> WriteAsync(string name, Stream content, CancellationToken cancellationToken)
    {
        var path = PathOf(name);
        var temporary = Path.Combine(_unfinished, Guid.NewGuid().ToString("N"));
        var done = false;
        using var growth = _room.Begin($"blob {name}", BlobNames.IsResult(name) ? _options.DiskReserve / 2 : _options.DiskReserve, (content as ReadOnceStream)?.Expected);
        var handle = Create(temporary, name);
        try
        {
            var length = await CopyAsync(content, handle, growth, name, cancellationToken);
            await _syncs.WaitAsync(cancellationToken);
            try
            {
                // A thread of its own: blocked ones must not be taken from the pool, which serves everybody.
                await Task.Factory.StartNew(
                    () => Finish(handle, temporary, path, name), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            }
            finally
            {
                _syncs.Release();
            }

            done = true;
            return length;
        }
        finally
        {
            if (!done)
            {
                Remove(temporary);
            }

            handle.Dispose();
        }
    }

    /// <inheritdoc/>
    public Task<Stream?> OpenAsync(string name, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            var file = new FileStream(PathOf(name), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 0, FileOptions.SequentialScan | FileOptions.Asynchronous);
            return Task.FromResult<Stream?>(new BlobStream(file, name));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return Task.FromResult<Stream?>(null);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Translate(e, name, "read");
        }
    }

    /// <inheritdoc/>
    /// <remarks>Not synced: after a power cut the blob may be back, and goes with the blobs that belong to no message.</remarks>
    public Task DeleteAsync(string name, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            File.Delete(PathOf(name));
        }
        catch (DirectoryNotFoundException)
        {
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Translate(e, name, "delete");
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<BlobInfo> ListAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // Reading folders blocks; the caller is a background task, and gets its thread back between folders.
        await Task.Yield();
        foreach (var folder in Directory.EnumerateDirectories(_root).Prepend(_root))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (folder == _unfinished)
            {
                continue;
            }

            foreach (var file in new DirectoryInfo(folder).EnumerateFiles())
            {
                var name = file.Name.Replace('.', '/');
                var modified = file.LastWriteTimeUtc;
                if (modified.Year < 1700 || file.Name == OwnerMark.Name)
                {
                    continue; // it was deleted meanwhile, or is none
                }

                yield return new BlobInfo(folder == _root ? name : $"{Path.GetFileName(folder)}/{name}", modified);
            }

            await Task.Yield();
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _syncs.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>Whether the disk or its quota was full.</summary>
    internal static bool IsFull(IOException error) => (error.HResult & 0xFFFF) is NoSpace or OverQuota;

    private static async Task<long> CopyAsync(Stream content, SafeFileHandle handle, DiskRoom.Growth growth, string name, CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            long length = 0;
            while (true)
            {
                var read = await content.ReadAsync(buffer.AsMemory(0, BufferBytes), cancellationToken);
                if (read == 0)
                {
                    return length;
                }

                growth.Take(read);
                try
                {
                    await RandomAccess.WriteAsync(handle, buffer.AsMemory(0, read), length, cancellationToken);
                }
                catch (IOException e)
                {
                    throw Translate(e, name, "write");
                }

                length += read;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    // The lock on the open file keeps other processes from taking it for one that was left behind.
    private static SafeFileHandle Create(string temporary, string name)
    {
        try
        {
            return File.OpenHandle(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, FileOptions.Asynchronous);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Translate(e, name, "write");
        }
    }

    private void Finish(SafeFileHandle handle, string temporary, string path, string name)
    {
        try
        {
            RandomAccess.FlushToDisk(handle);
            var folder = Path.GetDirectoryName(path)!;
            Directory.CreateDirectory(folder);
            if (!_durableFolders.ContainsKey(folder))
            {
                FolderSync.Sync(_root);
                _durableFolders.TryAdd(folder, true);
            }

            File.Move(temporary, path, overwrite: true);
            FolderSync.Sync(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Translate(e, name, "write");
        }
    }

    private static IOException Translate(Exception error, string name, string verb) =>
        error is IOException io && IsFull(io)
            ? new StoreFullException($"can't {verb} blob {name}: the disk or its quota is full", error)
            : new StoreUnavailableException($"can't {verb} blob {name}: {error.Message}", error);

    private static void RemoveIfNobodyWrites(string file)
    {
        try
        {
            using var locked = File.OpenHandle(file, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
            File.Delete(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Another process writes it, or has finished it meanwhile.
        }
    }

    private static void Remove(string temporary)
    {
        try
        {
            File.Delete(temporary);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The next start removes it.
        }
    }

    private string PathOf(string name)
    {
        BlobNameRule.Check(name);
        var slash = name.IndexOf('/', StringComparison.Ordinal);
        return slash < 0
            ? Path.Combine(_root, name)
            : Path.Combine(_root, name[..slash], name[(slash + 1)..].Replace('/', '.'));
    }
}
