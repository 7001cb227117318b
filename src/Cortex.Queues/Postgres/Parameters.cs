using Npgsql;
using NpgsqlTypes;

namespace Cortex.Queues.Postgres;

/// <summary>Typed positional parameters, in the order in which they are added.</summary>
public static class Parameters
{
    /// <summary>The next parameter of a statement in a batch.</summary>
    public static NpgsqlBatchCommand Add<T>(this NpgsqlBatchCommand command, T value)
    {
        ArgumentNullException.ThrowIfNull(command);
        command.Parameters.Add(new NpgsqlParameter<T> { TypedValue = value });
        return command;
    }

    /// <summary>The next parameter of a statement.</summary>
    public static NpgsqlCommand Add<T>(this NpgsqlCommand command, T value)
    {
        ArgumentNullException.ThrowIfNull(command);
        command.Parameters.Add(new NpgsqlParameter<T> { TypedValue = value });
        return command;
    }

    /// <summary>The next parameter, an array of texts some of which may be null.</summary>
    public static NpgsqlBatchCommand AddTexts(this NpgsqlBatchCommand command, string?[] values)
    {
        ArgumentNullException.ThrowIfNull(command);
        command.Parameters.Add(new NpgsqlParameter<string?[]> { TypedValue = values, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text });
        return command;
    }

    /// <summary>The next parameter, an array of bytes some of which may be null.</summary>
    public static NpgsqlBatchCommand AddBytes(this NpgsqlBatchCommand command, byte[]?[] values)
    {
        ArgumentNullException.ThrowIfNull(command);
        command.Parameters.Add(new NpgsqlParameter<byte[]?[]> { TypedValue = values, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bytea });
        return command;
    }
}
