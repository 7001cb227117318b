using Npgsql;

namespace Cortex.Queues.Postgres.Reading;

/// <summary>Reads columns that several statements have.</summary>
internal static class Columns
{
    public static string? ReadNullableText(this NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    public static byte[]? ReadNullableBytes(this NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetFieldValue<byte[]>(column);

    public static Body ReadBody(this NpgsqlDataReader row, int bytes, int blob, int length) =>
        row.ReadNullableText(blob) is { } name ? Body.InBlob(name, row.GetInt64(length)) : Body.Of(row.ReadNullableBytes(bytes) ?? []);
}
