using SQLitePCL;

namespace Cortex.Queues.Sqlite.Native;

/// <summary>A prepared statement. Parameters count from 1, columns from 0.</summary>
internal sealed class Statement : IDisposable
{
    private readonly Database _database;
    private readonly sqlite3_stmt _handle;

    public Statement(Database database, sqlite3 connection, string sql)
    {
        _database = database;
        if (raw.sqlite3_prepare_v3(connection, sql, raw.SQLITE_PREPARE_PERSISTENT, out _handle) != raw.SQLITE_OK)
        {
            throw database.LastError();
        }
    }

    public Statement Bind(int index, long value)
    {
        raw.sqlite3_bind_int64(_handle, index, value);
        return this;
    }

    public Statement Bind(int index, long? value) => value is { } number ? Bind(index, number) : BindNull(index);

    public Statement Bind(int index, string? value)
    {
        if (value is null)
        {
            return BindNull(index);
        }

        raw.sqlite3_bind_text(_handle, index, value);
        return this;
    }

    /// <summary>Binds bytes; none become NULL, which reads back as none.</summary>
    public Statement Bind(int index, ReadOnlySpan<byte> value)
    {
        if (value.IsEmpty)
        {
            return BindNull(index);
        }

        raw.sqlite3_bind_blob(_handle, index, value);
        return this;
    }

    /// <summary>Goes to the next row. At the end, or on an error, the statement is ready to be used again.</summary>
    public bool Step()
    {
        var code = raw.sqlite3_step(_handle);
        if (code == raw.SQLITE_ROW)
        {
            return true;
        }

        if (code == raw.SQLITE_DONE)
        {
            Reset();
            return false;
        }

        var error = _database.LastError();
        Reset();
        throw error;
    }

    /// <summary>Runs a statement to its end.</summary>
    public void Run()
    {
        while (Step())
        {
        }
    }

    /// <summary>Ends a statement before its last row. Until then it holds the connection's read snapshot.</summary>
    public void Reset() => raw.sqlite3_reset(_handle);

    public bool IsNull(int column) => raw.sqlite3_column_type(_handle, column) == raw.SQLITE_NULL;

    public long Long(int column) => raw.sqlite3_column_int64(_handle, column);

    public int Int(int column) => raw.sqlite3_column_int(_handle, column);

    public long? NullableLong(int column) => IsNull(column) ? null : Long(column);

    public string? Text(int column) => IsNull(column) ? null : raw.sqlite3_column_text(_handle, column).utf8_to_string();

    public byte[] Bytes(int column) => raw.sqlite3_column_blob(_handle, column).ToArray();

    public void Dispose() => _handle.Dispose();

    private Statement BindNull(int index)
    {
        raw.sqlite3_bind_null(_handle, index);
        return this;
    }
}
