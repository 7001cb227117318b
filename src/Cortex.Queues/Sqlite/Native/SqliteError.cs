using SQLitePCL;

namespace Cortex.Queues.Sqlite.Native;

/// <summary>SQLite refused a statement.</summary>
internal sealed class SqliteError(int extendedCode, string message) : IOException($"SQLite error {extendedCode}: {message}")
{
    /// <summary>The primary result code.</summary>
    public int Code => extendedCode & 0xFF;

    /// <summary>The statement broke a constraint: the operation is at fault, not the store.</summary>
    public bool IsConstraint => Code == raw.SQLITE_CONSTRAINT;

    /// <summary>There is no room.</summary>
    public bool IsFull => Code == raw.SQLITE_FULL;

    /// <summary>The file system failed. A full disk can show so too, for instance when the shared memory file can't grow.</summary>
    public bool IsIO => Code == raw.SQLITE_IOERR;

    /// <summary>The file is damaged or not a database.</summary>
    public bool IsCorrupt => Code is raw.SQLITE_CORRUPT or raw.SQLITE_NOTADB;
}
