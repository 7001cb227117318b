using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Cortex.Jobs.Batch.Sources;

/// <summary>Opens files that hold bytes, and nothing else: a pipe without a writer would hold the one who opens it for ever, and so would many devices.</summary>
internal static partial class RegularFile
{
    // The kernel's numbers, which are those of every architecture that we run on.
    private const int ReadOnlyWithoutWaiting = 0x800 | 0x100 | 0x80000;   // O_NONBLOCK | O_NOCTTY | O_CLOEXEC
    private const int ThisFolder = -100;                                  // AT_FDCWD
    private const int TheHandleItself = 0x1000;                           // AT_EMPTY_PATH
    private const uint OnlyTheType = 1;                                   // STATX_TYPE
    private const int ModeOffset = 28;
    private const int TypeMask = 0xF000;
    private const int Regular = 0x8000;
    private const int NoSuchFile = 2;
    private const int NoSuchFolder = 20;

    /// <summary>Opens a file for reading; null when there is none of this name, or what has it is no regular file.</summary>
    /// <exception cref="IOException">It can't be opened.</exception>
    public static SafeFileHandle? Open(string path)
    {
        if (!OperatingSystem.IsLinux())
        {
            return File.Exists(path) ? File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete) : null;
        }

        // Asked before it is opened, as opening a device can do something, and again after, as it may be another one then.
        if (!IsRegular(ThisFolder, path, 0))
        {
            return null;
        }

        var descriptor = OpenFile(path, ReadOnlyWithoutWaiting);
        if (descriptor < 0)
        {
            return IsGone(Marshal.GetLastPInvokeError()) ? null : throw Failed(path);
        }

        var handle = new SafeFileHandle(descriptor, ownsHandle: true);
        if (IsRegular(descriptor, "", TheHandleItself))
        {
            return handle;
        }

        handle.Dispose();
        return null;
    }

    private static bool IsRegular(int folder, string path, int flags)
    {
        Span<byte> status = stackalloc byte[256];
        if (Status(folder, path, flags, OnlyTheType, status) == 0)
        {
            return (BinaryPrimitives.ReadUInt16LittleEndian(status[ModeOffset..]) & TypeMask) == Regular;
        }

        return IsGone(Marshal.GetLastPInvokeError()) ? false : throw Failed(path);
    }

    private static bool IsGone(int error) => error is NoSuchFile or NoSuchFolder;

    private static IOException Failed(string path) => new($"{path}: {Marshal.GetLastPInvokeErrorMessage()}");

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int OpenFile(string path, int flags);

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int Status(int folder, string path, int flags, uint mask, Span<byte> status);
}
