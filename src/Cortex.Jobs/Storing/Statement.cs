using System.Data.Common;
using Npgsql;

namespace Cortex.Jobs.Storing;

/// <summary>A statement that both databases understand, with its values.</summary>
internal sealed class Statement(string sql, params object?[] values)
{
    /// <summary>Runs it, and gives how many rows it has changed.</summary>
    public async Task<int> ExecuteAsync(DbConnection connection)
    {
        await using var command = On(connection);
        return await command.ExecuteNonQueryAsync();
    }

    /// <summary>Runs it, and gives its rows.</summary>
    public async Task<IReadOnlyList<T>> ReadAsync<T>(DbConnection connection, Func<DbDataReader, T> map, CancellationToken cancellationToken)
    {
        await using var command = On(connection);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        var found = new List<T>();
        while (await row.ReadAsync(cancellationToken))
        {
            found.Add(map(row));
        }

        return found;
    }

    private DbCommand On(DbConnection connection)
    {
        var command = connection.CreateCommand();
#pragma warning disable CA2100 // Every text is in the source; values travel as parameters.
        command.CommandText = sql;
#pragma warning restore CA2100
        for (var i = 0; i < values.Length; i++)
        {
            var parameter = command.CreateParameter();

            // In PostgreSQL $1 is a place, in SQLite a name.
            parameter.ParameterName = connection is NpgsqlConnection ? "" : $"${i + 1}";
            parameter.Value = values[i] ?? DBNull.Value;
            command.Parameters.Add(parameter);
        }

        return command;
    }
}
