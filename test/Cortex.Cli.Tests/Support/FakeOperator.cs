using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Cortex.Core.Wire;

namespace Cortex.Cli.Tests.Support;

/// <summary>An operator without a network: answers by method and path, and remembers what it was asked.</summary>
internal sealed class FakeOperator : HttpMessageHandler
{
    private readonly Dictionary<string, Func<HttpResponseMessage>> _answers = [];
    private readonly Lock _lock = new();

    public List<FakeRequest> Requests { get; } = [];

    /// <summary>When set, no request reaches it.</summary>
    public Exception? Unreachable { get; set; }

    public FakeOperator On<T>(string methodAndPath, T answer, JsonTypeInfo<T> type) => On(methodAndPath, HttpStatusCode.OK, JsonSerializer.Serialize(answer, type));

    public FakeOperator On(string methodAndPath, HttpStatusCode status, string body)
    {
        _answers[methodAndPath] = () => new HttpResponseMessage(status) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        return this;
    }

    public FakeOperator OnText(string methodAndPath, HttpStatusCode status, string body)
    {
        _answers[methodAndPath] = () => new HttpResponseMessage(status) { Content = new StringContent(body, Encoding.UTF8, "text/plain") };
        return this;
    }

    public FakeOperator On(string methodAndPath, Func<string> body)
    {
        _answers[methodAndPath] = () => new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent(body(), Encoding.UTF8, "application/json") };
        return this;
    }

    public FakeOperator OnError(string methodAndPath, string kind, string message, HttpStatusCode status = HttpStatusCode.BadRequest, params ErrorPlace[] places) =>
        On(methodAndPath, status, JsonSerializer.Serialize(new ErrorResponse(kind, message) { Errors = places.Length > 0 ? places : null }, WireJson.Contract.ErrorResponse));

    protected override HttpResponseMessage Send(HttpRequestMessage request, CancellationToken cancellationToken) =>
        SendAsync(request, cancellationToken).GetAwaiter().GetResult();

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var body = request.Content is null ? "" : await request.Content.ReadAsStringAsync(cancellationToken);
        var uri = request.RequestUri!;
        lock (_lock)
        {
            Requests.Add(new FakeRequest($"{request.Method} {uri.PathAndQuery}", uri, Header(request, "Authorization"), Header(request, "CortexAPIVersion"), body));
            if (Unreachable is not null)
            {
                throw new HttpRequestException("Connection refused", Unreachable);
            }

            return _answers.TryGetValue($"{request.Method} {uri.AbsolutePath}", out var answer)
                ? answer()
                : new HttpResponseMessage(HttpStatusCode.NotFound) { Content = new StringContent("404 page not found") };
        }
    }

    private static string? Header(HttpRequestMessage request, string name) =>
        request.Headers.NonValidated.TryGetValues(name, out var values) ? values.ToString() : null;
}

/// <summary>What a command asked.</summary>
internal sealed record FakeRequest(string Line, Uri Uri, string? Authorization, string? Version, string Body);
