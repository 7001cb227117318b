using System.Text.Json.Serialization;

namespace Cortex.Core.Specs;

/// <summary>What the token in an API's containers opens at the operator; each level includes those before it. Ours: Cortex 0.42 has no such field.</summary>
public enum ClientAccess
{
    /// <summary>Nothing: the containers get no token.</summary>
    [JsonStringEnumMemberName("none")]
    None,

    /// <summary>Reading the API itself, its jobs and its logs.</summary>
    [JsonStringEnumMemberName("read")]
    Read,

    /// <summary>Finding the other APIs, submitting jobs to them and asking for these.</summary>
    [JsonStringEnumMemberName("submit")]
    Submit,

    /// <summary>All that the cluster's own token opens.</summary>
    [JsonStringEnumMemberName("admin")]
    Admin,
}
