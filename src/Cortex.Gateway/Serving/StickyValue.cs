using Cortex.Routing;
using Microsoft.AspNetCore.Http;

namespace Cortex.Gateway.Serving;

/// <summary>Finds the key of a request, by which a splitter sends a client to the same target. Allocates nothing.</summary>
internal static class StickyValue
{
    /// <summary>The key; empty when the request has none.</summary>
    public static ReadOnlySpan<char> Of(IHeaderDictionary headers, StickyKey? key)
    {
        if (key is null)
        {
            return default;
        }

        if (!key.IsCookie)
        {
            return headers[key.Name] is [var first, ..] ? first : default;
        }

        foreach (var line in headers.Cookie)
        {
            var cookies = line.AsSpan();
            foreach (var range in cookies.Split(';'))
            {
                var cookie = cookies[range].Trim(' ');
                var equals = cookie.IndexOf('=');
                if (equals > 0 && cookie[..equals].SequenceEqual(key.Name))
                {
                    return cookie[(equals + 1)..];
                }
            }
        }

        return default;
    }
}
