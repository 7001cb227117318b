namespace Cortex.Gateway.Routing;

/// <summary>
/// Where the path of a raw request target lies. The target is never decoded: bytes that a client sent are the bytes
/// that the replica gets.
/// </summary>
/// <param name="PathStart">Index of the path's first slash; the target's length when it has no path.</param>
/// <param name="PathEnd">Index just behind the path: of the question mark or the target's length.</param>
internal readonly record struct RequestTarget(int PathStart, int PathEnd)
{
    /// <summary>Finds the path in an origin-form (<c>/a?b</c>) or absolute-form (<c>http://host/a?b</c>) target.</summary>
    public static RequestTarget Parse(ReadOnlySpan<char> target)
    {
        var start = 0;
        if (target.Length == 0 || target[0] != '/')
        {
            var scheme = target.IndexOf("://", StringComparison.Ordinal);
            start = scheme < 0 ? 0 : scheme + 3;
            var authority = target[start..].IndexOfAny('/', '?');
            start = authority < 0 ? target.Length : start + authority;
        }

        var query = target[start..].IndexOf('?');
        return new RequestTarget(start, query < 0 ? target.Length : start + query);
    }
}
