using System.Runtime.InteropServices;

namespace Cortex.Queues.Blobs;

/// <summary>Makes a folder's entries durable, for which .NET has no call.</summary>
public static partial class FolderSync
{
    private const int ReadOnlyDirectory = 0x80000; // O_RDONLY | O_CLOEXEC: the same on amd64 and arm64
    private const int InvalidArgument = 22;

    /// <summary>Syncs what stands in a folder.</summary>
    /// <exception cref="IOException">The folder can't be opened or synced.</exception>
    public static void Sync(string folder)
    {
        var handle = Open(folder, ReadOnlyDirectory);
        if (handle < 0)
        {
            throw Failure("open", folder, Marshal.GetLastPInvokeError());
        }

        // Some network file systems can't sync folders and say so: theirs are durable when the rename returns.
        var failed = FSync(handle) != 0;
        var error = failed ? Marshal.GetLastPInvokeError() : 0;
        _ = Close(handle);
        if (failed && error != InvalidArgument)
        {
            throw Failure("sync", folder, error);
        }
    }

    private static IOException Failure(string what, string folder, int error) =>
        new($"can't {what} folder {folder}: {Marshal.GetPInvokeErrorMessage(error)}", error);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int FSync(int handle);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int handle);
}
