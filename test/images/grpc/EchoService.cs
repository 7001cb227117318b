using System.Globalization;
using Grpc.Core;

namespace Cortex.GrpcServer;

/// <summary>Tells by APP_VERSION which version answers.</summary>
public sealed class EchoService : Echo.EchoBase
{
    private static readonly string Version = Environment.GetEnvironmentVariable("APP_VERSION") ?? "";
    private static int s_hung;
    private static int s_cancelled;

    /// <inheritdoc/>
    public override async Task<Words> Say(Words request, ServerCallContext context)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(context);
        switch (request.Text)
        {
            case "fail":
                throw new RpcException(new Status(StatusCode.NotFound, "no such words"), new Metadata { { "why", "because" } });
            case "hang":
                Interlocked.Increment(ref s_hung);
                var ended = new TaskCompletionSource();
                await using (context.CancellationToken.Register(ended.SetResult))
                {
                    await ended.Task;
                }

                Interlocked.Increment(ref s_cancelled);
                break;
        }

        await context.WriteResponseHeadersAsync([new Metadata.Entry("head", request.Text)]);
        context.ResponseTrailers.Add("tail", request.Text);
        return Make(request.Text);
    }

    /// <inheritdoc/>
    public override async Task Count(Words request, IServerStreamWriter<Words> responseStream, ServerCallContext context)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(responseStream);
        for (var i = 0; i < int.Parse(request.Text, CultureInfo.InvariantCulture); i++)
        {
            await responseStream.WriteAsync(Make(i.ToString(CultureInfo.InvariantCulture)));
        }
    }

    /// <inheritdoc/>
    public override async Task<Words> Join(IAsyncStreamReader<Words> requestStream, ServerCallContext context)
    {
        List<string> texts = [];
        await foreach (var words in requestStream.ReadAllAsync())
        {
            texts.Add(words.Text);
        }

        return Make(string.Join(' ', texts));
    }

    /// <inheritdoc/>
    public override async Task Chat(IAsyncStreamReader<Words> requestStream, IServerStreamWriter<Words> responseStream, ServerCallContext context)
    {
        ArgumentNullException.ThrowIfNull(responseStream);
        await foreach (var words in requestStream.ReadAllAsync())
        {
            await responseStream.WriteAsync(Make(words.Text));
        }
    }

    /// <inheritdoc/>
    public override Task<Words> Hung(Words request, ServerCallContext context) =>
        Task.FromResult(Make(string.Create(CultureInfo.InvariantCulture, $"{Volatile.Read(ref s_hung)} {Volatile.Read(ref s_cancelled)}")));

    private static Words Make(string text) => new() { Text = text, Version = Version };
}
