using Microsoft.AspNetCore.Http;

namespace Cortex.Operator.Endpoints;

/// <summary>Booleans in query strings, as the contract reads them.</summary>
internal static class QueryFlag
{
    /// <summary>The flag's value; <paramref name="otherwise"/> when it is absent or makes no sense.</summary>
    public static bool Read(IQueryCollection query, string name, bool otherwise) => query[name].ToString() switch
    {
        "1" or "t" or "T" or "TRUE" or "true" or "True" => true,
        "0" or "f" or "F" or "FALSE" or "false" or "False" => false,
        _ => otherwise,
    };
}
