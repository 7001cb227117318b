using Microsoft.AspNetCore.Http;

namespace Cortex.Operator.Endpoints;

/// <summary>Slashes that the contract does not tolerate: <c>//get</c> leads to <c>/get</c>, and <c>/get/</c> is nothing.</summary>
internal static class SlashRule
{
    /// <summary>Answers a path with slashes too many; null when there are none.</summary>
    public static Task? Answer(HttpContext context)
    {
        var path = context.Request.Path.Value ?? "";
        if (path.Contains("//", StringComparison.Ordinal))
        {
            context.Response.Redirect(new PathString(Clean(path)).ToUriComponent() + context.Request.QueryString.ToUriComponent(), permanent: true);
            return Task.CompletedTask;
        }

        return path.Length > 1 && path.EndsWith('/') ? ErrorAnswers.WriteNotFoundAsync(context) : null;
    }

    // One slash at the end stays one: it is another path.
    private static string Clean(string path)
    {
        var segments = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        return segments.Length == 0 ? "/" : $"/{string.Join('/', segments)}{(path.EndsWith('/') ? "/" : "")}";
    }
}
