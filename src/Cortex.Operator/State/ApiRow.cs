using System.Data.Common;
using System.Text.Json;
using Cortex.Core.Wire;
using Cortex.Operator.Splitting;

namespace Cortex.Operator.State;

/// <summary>An API as both databases keep it.</summary>
internal static class ApiRow
{
    /// <summary>Reads every API; of those that have not changed since revision <c>$1</c>, the name alone.</summary>
    public const string SelectSince = "SELECT name, revision, CASE WHEN revision > $1 THEN spec END, replicas, callback_key, canary FROM apis";

    /// <summary>Reads a row of <see cref="SelectSince"/>.</summary>
    public static ApiChange Read(DbDataReader row) => new(row.GetString(0), row.IsDBNull(2) ? null : new WantedApi(ParseSpec(row.GetString(2)), row.GetInt32(3))
    {
        Revision = row.GetInt64(1),
        CallbackKey = row.IsDBNull(4) ? null : CallbackKey.Parse(row.GetString(4)),
        Canary = row.IsDBNull(5) ? null : CanaryState.Parse(row.GetString(5)),
    });

    /// <summary>A version as it is stored.</summary>
    public static string ToJson(DeployedSpec spec) => JsonSerializer.Serialize(spec, WireJson.Contract.DeployedSpec);

    /// <summary>Reads a version that was stored.</summary>
    /// <exception cref="InvalidDataException">It is empty.</exception>
    public static DeployedSpec ParseSpec(string json) =>
        JsonSerializer.Deserialize(json, WireJson.Contract.DeployedSpec) ?? throw new InvalidDataException("a stored specification is empty");
}
