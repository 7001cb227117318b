using Cortex.Gateway.Routing;
using Microsoft.AspNetCore.Http;

namespace Cortex.Gateway.Tests.Support;

/// <summary>A handler that does what the test says.</summary>
internal sealed class Handler(Func<HttpContext, string, Task> answer) : IEndpointHandler
{
    public static HandlerRoute Route(string name, string endpoint, Func<HttpContext, string, Task> answer) =>
        new(name, "AsyncAPI", endpoint, new Handler(answer));

    /// <summary>Answers with a text of its own and what follows the endpoint.</summary>
    public static Func<HttpContext, string, Task> Says(string text) => (http, rest) => http.Response.WriteAsync($"{text} {rest}");

    public Task HandleAsync(HttpContext http, string target, int start, int end) => answer(http, target[start..end]);
}
