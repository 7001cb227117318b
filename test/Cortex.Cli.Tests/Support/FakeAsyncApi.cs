using System.Net;
using System.Text;
using Cortex.Core.Specs;
using Cortex.Core.Wire;

namespace Cortex.Cli.Tests.Support;

/// <summary>An operator with one Async API, whose answers are given in turn; reads request bodies as they come and keeps only their length and beginning.</summary>
internal sealed class FakeAsyncApi : HttpMessageHandler
{
    private readonly Queue<Func<HttpResponseMessage>> _answers = new();

    public const string Id = "00000000-0000-8001-8000-00000000abcd";

    public ApiKind Kind { get; set; } = ApiKind.AsyncAPI;

    /// <summary>What was asked of the API, not of the operator.</summary>
    public List<AsyncCall> Calls { get; } = [];

    public FakeAsyncApi Then(string body, HttpStatusCode status = HttpStatusCode.OK, params (string Name, string Value)[] headers) => Then(() =>
    {
        var answer = new HttpResponseMessage(status) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        foreach (var (name, value) in headers)
        {
            answer.Headers.Add(name, value);
        }

        return answer;
    });

    public FakeAsyncApi Then(Func<HttpResponseMessage> answer)
    {
        _answers.Enqueue(answer);
        return this;
    }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var uri = request.RequestUri!;
        if (uri.Port == 8888 && !uri.AbsolutePath.StartsWith("/async/", StringComparison.Ordinal))
        {
            Assert.Equal("GET /get/texts", $"{request.Method} {uri.PathAndQuery}");
            IReadOnlyList<ApiResponse> apis = [Apis.Detailed("texts", Kind)];
            return new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent(System.Text.Json.JsonSerializer.Serialize(apis, WireJson.Contract.IReadOnlyListApiResponse)) };
        }

        _ = request.Content?.Headers.ContentLength;   // is worked out only when somebody asks
        var (length, beginning) = await ReadAsync(request.Content, cancellationToken);
        var headers = request.Headers.NonValidated.Concat(request.Content?.Headers.NonValidated ?? default).ToDictionary(header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase);
        Calls.Add(new AsyncCall($"{request.Method} {uri.PathAndQuery}", headers, length, beginning));
        return _answers.TryDequeue(out var answer) ? answer() : throw new InvalidOperationException($"nobody expected {request.Method} {uri}");
    }

    private static async Task<(long Length, string Beginning)> ReadAsync(HttpContent? content, CancellationToken cancellationToken)
    {
        if (content is null)
        {
            return (0, "");
        }

        await using var stream = await content.ReadAsStreamAsync(cancellationToken);
        var buffer = new byte[16 * 1024];
        var (length, beginning) = (0L, "");
        int count;
        while ((count = await stream.ReadAsync(buffer, cancellationToken)) > 0)
        {
            beginning = length == 0 ? Encoding.UTF8.GetString(buffer, 0, Math.Min(count, 1000)) : beginning;
            length += count;
        }

        return (length, beginning);
    }
}

/// <summary>What a command asked of an Async API.</summary>
internal sealed record AsyncCall(string Line, IReadOnlyDictionary<string, string> Headers, long Length, string Body);
