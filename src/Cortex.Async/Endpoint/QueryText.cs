namespace Cortex.Async.Endpoint;

/// <summary>Reads the query of a raw request target.</summary>
internal static class QueryText
{
    /// <summary>The value of the first parameter of a name, decoded; null when there is none.</summary>
    /// <param name="target">The raw request target.</param>
    /// <param name="pathEnd">Where its path ends.</param>
    /// <param name="name">The parameter, compared as it came.</param>
    public static string? Find(string target, int pathEnd, ReadOnlySpan<char> name)
    {
        if (pathEnd + 1 >= target.Length)
        {
            return null;
        }

        var query = target.AsSpan(pathEnd + 1);
        foreach (var range in query.Split('&'))
        {
            var pair = query[range];
            var equals = pair.IndexOf('=');
            if (equals < 0 ? pair.SequenceEqual(name) : pair[..equals].SequenceEqual(name))
            {
                return equals < 0 ? "" : Uri.UnescapeDataString(pair[(equals + 1)..].ToString().Replace('+', ' '));
            }
        }

        return null;
    }
}
