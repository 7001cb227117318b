using System.Net;
using System.Text;

namespace Cortex.Jobs.Tests.Batch.Sources;

/// <summary>Lists keys in pages as S3 does, and knows nothing else.</summary>
internal sealed class PagedS3 : IAsyncDisposable
{
    private readonly HttpListener _listener = new();
    private readonly IReadOnlyList<string> _keys;
    private readonly int _pageSize;
    private readonly Task _serving;

    public PagedS3(IReadOnlyList<string> keys, int pageSize)
    {
        _keys = keys;
        _pageSize = pageSize;
        Url = $"http://127.0.0.1:{FreePort.Find()}/";
        _listener.Prefixes.Add(Url);
        _listener.Start();
        _serving = ServeAsync();
    }

    public string Url { get; }

    /// <summary>What the last request was signed with; empty when it was not.</summary>
    public string Authorization { get; private set; } = "";

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await _serving;
        _listener.Close();
    }

    private async Task ServeAsync()
    {
        while (_listener.IsListening)
        {
            try
            {
                var context = await _listener.GetContextAsync();
                Authorization = context.Request.Headers["Authorization"] ?? "";
                var query = context.Request.QueryString;
                var page = Encoding.UTF8.GetBytes(Page(query["continuation-token"] ?? query["start-after"] ?? "", query["prefix"] ?? ""));
                context.Response.ContentType = "application/xml";
                await context.Response.OutputStream.WriteAsync(page);
                context.Response.Close();
            }
            catch (Exception exception) when (exception is HttpListenerException or ObjectDisposedException)
            {
                // The test is over.
            }
        }
    }

    private string Page(string after, string prefix)
    {
        var rest = _keys.Where(key => key.StartsWith(prefix, StringComparison.Ordinal) && string.CompareOrdinal(key, after) > 0).ToList();
        var truncated = rest.Count > _pageSize;
        var contents = string.Concat(rest.Take(_pageSize).Select(key => $"<Contents><Key>{key}</Key><ETag>&quot;x&quot;</ETag><Size>1</Size></Contents>"));
        var next = truncated ? $"<NextContinuationToken>{rest[_pageSize - 1]}</NextContinuationToken>" : "";
        return $"""<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><IsTruncated>{(truncated ? "true" : "false")}</IsTruncated>{next}{contents}</ListBucketResult>""";
    }
}
