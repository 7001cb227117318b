using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Cortex.Gateway.Tests.Support;

/// <summary>A client's side of a request that throws where a test wants it to.</summary>
internal static class FaultyClient
{
    /// <summary>The answer can't be written.</summary>
    public static DefaultHttpContext OfAnswer(Exception fault)
    {
        var http = new DefaultHttpContext();
        http.Request.Method = "GET";
        http.Features.Set<IHttpResponseBodyFeature>(new StreamResponseBodyFeature(new Answer(fault)));
        return http;
    }

    /// <summary>The request's body of a thousand bytes can't be read.</summary>
    public static DefaultHttpContext OfBody(Exception fault)
    {
        var http = new DefaultHttpContext();
        http.Request.Method = "POST";
        http.Request.ContentLength = 1000;
        http.Features.Set<IRequestBodyPipeFeature>(new Body(fault));
        return http;
    }

    /// <summary>Nothing can be read once the protocol is switched.</summary>
    public static DefaultHttpContext OfTunnel(Exception fault)
    {
        var http = new DefaultHttpContext();
        http.Request.Method = "GET";
        http.Request.Protocol = "HTTP/1.1";
        http.Request.Headers.Upgrade = "websocket";
        http.Request.Headers.Connection = "Upgrade";
        http.Features.Set<IHttpUpgradeFeature>(new Tunnel(fault));
        return http;
    }

    private sealed class Answer(Exception fault) : MemoryStream
    {
        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => ValueTask.FromException(fault);
    }

    private sealed class Body(Exception fault) : PipeReader, IRequestBodyPipeFeature
    {
        public PipeReader Reader => this;

        public override bool TryRead(out ReadResult result)
        {
            result = default;
            return false;
        }

        public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default) => ValueTask.FromException<ReadResult>(fault);

        public override void AdvanceTo(SequencePosition consumed)
        {
        }

        public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
        {
        }

        public override void CancelPendingRead()
        {
        }

        public override void Complete(Exception? exception = null)
        {
        }
    }

    private sealed class Tunnel(Exception fault) : MemoryStream, IHttpUpgradeFeature
    {
        public bool IsUpgradableRequest => true;

        public Task<Stream> UpgradeAsync() => Task.FromResult<Stream>(this);

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => ValueTask.FromException<int>(fault);
    }
}
