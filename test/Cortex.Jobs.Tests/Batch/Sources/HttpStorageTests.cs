using System.Globalization;
using System.Net;
using System.Text;
using Cortex.Core.Errors;
using Cortex.Jobs.Batch;
using Cortex.Jobs.Batch.Sources;

namespace Cortex.Jobs.Tests.Batch.Sources;

public sealed class HttpStorageTests : IAsyncDisposable
{
    private readonly WebServer _server = new();
    private readonly SourceStorages _storages;

    public HttpStorageTests() => _storages = Storages("127.0.0.1");

    public async ValueTask DisposeAsync()
    {
        _storages.Dispose();
        await _server.DisposeAsync();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ReadAsync_ConnectionBreaksMidway_GoesOnWithAndWithoutRanges(bool ranges)
    {
        _server.Ranges = ranges;
        _server.BreakAfter = 100_000;
        var file = await FindAsync("/data");

        Assert.Equal(_server.Content, await ReadAsync(file, 0));
        Assert.True(_server.Requests.Count >= 3);
        Assert.Contains("/data bytes=200000-", _server.Requests);
    }

    [Fact]
    public async Task ReadAsync_FromAnyByte_GivesTheRest()
    {
        foreach (var ranges in new[] { true, false })
        {
            _server.Ranges = ranges;
            var file = await FindAsync("/data");
            foreach (var offset in new[] { 0, 1, 150_000, _server.Content.Length - 1, _server.Content.Length })
            {
                Assert.Equal(_server.Content[offset..], await ReadAsync(file, offset));
            }
        }
    }

    [Fact]
    public async Task ReadAsync_ServerErrorsThatPass_AreTriedAgain()
    {
        var file = await FindAsync("/data");
        _server.FailNext = 3;

        Assert.Equal(_server.Content, await ReadAsync(file, 0));
    }

    [Fact]
    public async Task ReadAsync_ServerErrorsThatStay_GiveUp()
    {
        var file = await FindAsync("/data");
        _server.FailNext = 1000;

        var error = await Assert.ThrowsAsync<CortexException>(() => ReadAsync(file, 0));

        Assert.Contains("the server answered 503", error.Message, StringComparison.Ordinal);
        Assert.Contains("after 5 tries", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ReadAsync_ContentChanged_SaysSo()
    {
        var file = await FindAsync("/data");
        _server.Tag = "\"other\"";

        Assert.Equal("batchapi.source_changed", (await Assert.ThrowsAsync<CortexException>(() => ReadAsync(file, 5))).Kind);
    }

    [Fact]
    public async Task FindAsync_NotFoundOrForbidden_TellsThemApart()
    {
        Assert.Null(await _storages.Of("http://").FindAsync(_server.Url("/missing"), CancellationToken.None));
        var error = await Assert.ThrowsAsync<CortexException>(() => FindAsync("/forbidden"));
        Assert.Contains("the server answered 403", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task FindAsync_Redirects_AreFollowedToAllowedHostsOnly()
    {
        Assert.Equal(_server.Content, await ReadAsync(await FindAsync("/redirect"), 0));

        var error = await Assert.ThrowsAsync<CortexException>(() => FindAsync("/redirect-away"));
        Assert.Equal("batchapi.path_not_allowed", error.Kind);
        Assert.Contains("169.254.169.254:80 is none of the hosts", error.Message, StringComparison.Ordinal);
        Assert.Contains("more than 5 times", (await Assert.ThrowsAsync<CortexException>(() => FindAsync("/redirect-loop"))).Message, StringComparison.Ordinal);
        Assert.Equal("batchapi.path_not_allowed", (await Assert.ThrowsAsync<CortexException>(() => FindAsync("/redirect-file"))).Kind);
    }

    [Theory]
    [InlineData("http://example.com/x", "example.com", true)]
    [InlineData("http://EXAMPLE.com:8080/x", "example.com", true)]
    [InlineData("https://other.example.com/x", "example.com", false)]
    [InlineData("https://anything/x", "*", true)]
    [InlineData("http://example.com:8080/x", "example.com:8080", true)]
    [InlineData("http://example.com/x", "example.com:8080", false)]
    [InlineData("http://example.com:8081/x", "example.com:8080", false)]
    [InlineData("https://example.com/x", "example.com:443", true)]
    [InlineData("http://[::1]:8080/x", "[::1]:8080", true)]
    [InlineData("http://[::1]:8081/x", "[::1]:8080", false)]
    [InlineData("http://[::1]:8081/x", "::1", true)]
    [InlineData("http://example.com@elsewhere/x", "example.com", false)]
    public void Check_Host_MustBeAllowed(string path, string allowed, bool passes)
    {
        using var storages = Storages(allowed);

        if (passes)
        {
            storages.Of(path).Check(path);
        }
        else
        {
            Assert.Equal("batchapi.path_not_allowed", Assert.Throws<CortexException>(() => storages.Of(path).Check(path)).Kind);
        }
    }

    private static SourceStorages Storages(string host) =>
        new(new SourceOptions { HttpHosts = [host], Attempts = 5, Backoff = TimeSpan.FromMilliseconds(1) }, TimeProvider.System);

    private async Task<SourceFile> FindAsync(string path) => (await _storages.Of("http://").FindAsync(_server.Url(path), CancellationToken.None))!;

    private async Task<string> ReadAsync(SourceFile file, long offset)
    {
        await using var reader = new FileReader(file, offset, _storages.Retry);
        var text = new StringBuilder();
        var buffer = new byte[10_000];
        while (await reader.ReadAsync(buffer, CancellationToken.None) is > 0 and var count)
        {
            text.Append(Encoding.ASCII.GetString(buffer, 0, count));
        }

        return text.ToString();
    }

    /// <summary>Serves one text, badly where asked to.</summary>
    private sealed class WebServer : IAsyncDisposable
    {
        private readonly HttpListener _listener = new();
        private readonly int _port = FreePort.Find();
        private readonly Task _serving;

        public WebServer()
        {
            _listener.Prefixes.Add($"http://127.0.0.1:{_port}/");
            _listener.Start();
            _serving = ServeAsync();
        }

        public string Content { get; } = string.Join(' ', Enumerable.Range(0, 50_000));

        public bool Ranges { get; set; } = true;

        public int BreakAfter { get; set; }

        public int FailNext { get; set; }

        public string Tag { get; set; } = "\"one\"";

        public List<string> Requests { get; } = [];

        public string Url(string path) => $"http://127.0.0.1:{_port}{path}";

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
                    Answer(await _listener.GetContextAsync());
                }
                catch (Exception exception) when (exception is HttpListenerException or ObjectDisposedException or IOException)
                {
                    // The client went away, or the test is over.
                }
            }
        }

        private void Answer(HttpListenerContext context)
        {
            var path = context.Request.Url!.AbsolutePath;
            Requests.Add($"{path} {context.Request.Headers["Range"]}");
            var answer = context.Response;
            if (FailNext > 0)
            {
                FailNext--;
                answer.StatusCode = 503;
                answer.Close();
                return;
            }

            if (path == "/data")
            {
                Send(answer, context.Request.Headers["Range"]);
                return;
            }

            answer.StatusCode = path.StartsWith("/redirect", StringComparison.Ordinal) ? 302 : path == "/forbidden" ? 403 : 404;
            answer.Headers["Location"] = path switch
            {
                "/redirect" => "/data",
                "/redirect-away" => "http://169.254.169.254/latest",
                "/redirect-file" => "file:///etc/passwd",
                "/redirect-loop" => "/redirect-loop",
                _ => null,
            };
            answer.Close();
        }

        private void Send(HttpListenerResponse answer, string? range)
        {
            var content = Encoding.ASCII.GetBytes(Content);
            answer.Headers["ETag"] = Tag;
            var offset = 0;
            if (Ranges && range is not null)
            {
                offset = int.Parse(range["bytes=".Length..^1], CultureInfo.InvariantCulture);
                answer.StatusCode = 206;
                answer.Headers["Content-Range"] = $"bytes {offset}-{content.Length - 1}/{content.Length}";
            }

            answer.ContentLength64 = content.Length - offset;
            if (BreakAfter > 0 && content.Length - offset > BreakAfter)
            {
                answer.OutputStream.Write(content, offset, BreakAfter);
                answer.OutputStream.Flush();
                BreakAfter += Ranges ? 0 : 100_000;   // without ranges each try must get further
                answer.Abort();
                return;
            }

            answer.OutputStream.Write(content, offset, content.Length - offset);
            answer.Close();
        }
    }
}
