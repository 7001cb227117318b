using System.IO.Pipelines;
using Cortex.Gateway.Forwarding;
using Cortex.Gateway.Tests.Support;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;

namespace Cortex.Gateway.Tests.Forwarding;

public sealed class ForwardedContentTests : IDisposable
{
    private readonly PauseWatch _watch = new(new ManualTime(), NullLogger.Instance);
    private readonly ClientPatience _patience;

    public ForwardedContentTests()
    {
        _patience = new ClientPatience(new GatewayOptions(), _watch, socket: null);
        _patience.Begin(new DefaultHttpContext(), clientLimit: null, streamLimit: null);
    }

    public void Dispose() => _watch.Dispose();

    [Fact]
    public async Task Stop_WhileItWaitsForTheClient_NobodyReadsTheBodyAnyMore()
    {
        var body = new Pipe();
        using var content = new ForwardedContent(body.Reader, null, _patience);
        var sending = content.CopyToAsync(new MemoryStream());
        Assert.False(sending.IsCompleted);

        await content.StopAsync().WithinLimit();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending.WithinLimit());
        await body.Writer.WriteAsync("the next request's"u8.ToArray());
        Assert.True(body.Reader.TryRead(out var read));   // as the server reads it for the next request of the same stream
        Assert.Equal(18, read.Buffer.Length);
    }

    [Fact]
    public async Task Stop_BeforeItIsSent_ItNeverReads()
    {
        var body = new Pipe();
        await body.Writer.WriteAsync("the next request's"u8.ToArray());
        using var content = new ForwardedContent(body.Reader, null, _patience);
        await content.StopAsync().WithinLimit();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => content.CopyToAsync(new MemoryStream()).WithinLimit());
        Assert.True(body.Reader.TryRead(out _));
    }
}
