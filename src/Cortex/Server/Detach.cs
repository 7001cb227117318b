using System.Runtime.InteropServices;

namespace Cortex.Server;

/// <summary>Lets the process outlive the terminal that started it.</summary>
internal static partial class Detach
{
    private const int WriteOnlyCreateAppend = 0x1 | 0x40 | 0x400;
    private const int OwnerReadWrite = 0x180;
    private const int OthersMayNothing = 0x3F;

    /// <summary>Starts a session of its own, so that neither Ctrl-C nor closing the terminal reaches the process.</summary>
    public static void FromTerminal() => _ = SetSid();

    /// <summary>Lets only the owner read and write the files that the process makes from here on.</summary>
    public static void KeepFilesPrivate() => _ = UMask(OthersMayNothing);

    /// <summary>Sends standard output and error to a file, so that even a crash of the runtime leaves its words there.</summary>
    public static void RedirectOutput(string path)
    {
        var file = Open(path, WriteOnlyCreateAppend, OwnerReadWrite);
        if (file < 0)
        {
            throw new IOException($"can't write the log file {path} (errno {Marshal.GetLastPInvokeError()})");
        }

        _ = Dup2(file, 1);
        _ = Dup2(file, 2);
        _ = Close(file);
    }

    [LibraryImport("libc", EntryPoint = "setsid")]
    private static partial int SetSid();

    [LibraryImport("libc", EntryPoint = "umask")]
    private static partial int UMask(int mask);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags, int mode);

    [LibraryImport("libc", EntryPoint = "dup2")]
    private static partial int Dup2(int from, int to);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int file);
}
