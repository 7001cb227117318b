using System.ComponentModel;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Loader;
using Microsoft.Win32.SafeHandles;

namespace Cortex;

/// <summary>
/// Loads SQLite's native library out of the executable when nothing else provides it, through memory only: the
/// published program is one file and writes no other, so that it also starts where no directory can be written.
/// </summary>
internal static partial class SqliteLibrary
{
    private const string Resource = "libe_sqlite3.so";

    // The runtime asks once per imported function and remembers nothing; two copies of SQLite in one process would crash it.
    private static readonly Lazy<nint> Handle = new(Load);

    [ModuleInitializer]
    internal static void Register() => AssemblyLoadContext.Default.ResolvingUnmanagedDll += static (_, name) =>
        name == "e_sqlite3" ? Handle.Value : 0;

    private static nint Load()
    {
        using var library = typeof(SqliteLibrary).Assembly.GetManifestResourceStream(Resource);
        if (library is null)
        {
            return 0;   // not a published build: the runtime finds the file beside the assemblies
        }

        var descriptor = MemfdCreate(Resource, 0);
        if (descriptor < 0)
        {
            throw new Win32Exception(Marshal.GetLastPInvokeError(), "Can't load SQLite: memfd_create failed.");
        }

        using var memory = new FileStream(new SafeFileHandle(descriptor, ownsHandle: true), FileAccess.Write);
        library.CopyTo(memory);
        memory.Flush();
        return NativeLibrary.Load($"/proc/self/fd/{descriptor}");
    }

    [LibraryImport("libc", EntryPoint = "memfd_create", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int MemfdCreate(string name, uint flags);
}
