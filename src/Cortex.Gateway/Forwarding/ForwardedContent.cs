using System.IO.Pipelines;
using System.Net;

namespace Cortex.Gateway.Forwarding;

/// <summary>A client's body on its way to a replica, every part sent as it comes.</summary>
internal sealed class ForwardedContent(PipeReader body, long? length, ClientPatience patience) : HttpContent
{
    private readonly CancellationTokenSource _stop = new();   // has nothing to dispose of
    private readonly Lock _lock = new();
    private Task _sending = Task.CompletedTask;
    private bool _stopped;

    /// <summary>Whether parts of it may be gone, so that it cannot be sent again.</summary>
    public bool Started { get; private set; }

    /// <summary>Ends the sending, if it goes on. When this completes, nobody reads the body any more.</summary>
    public async Task StopAsync()
    {
        Task sending;
        lock (_lock)
        {
            _stopped = true;
            sending = _sending;
        }

        if (!sending.IsCompleted)
        {
            await _stop.CancelAsync();
            await sending;
        }
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            if (_stopped)
            {
                throw new OperationCanceledException("the request is over");
            }

            Started = true;
            _sending = ended.Task;
        }

        try
        {
            await SendAsync(stream, cancellationToken);
        }
        finally
        {
            ended.SetResult();
        }
    }

    protected override bool TryComputeLength(out long computed)
    {
        computed = length ?? 0;
        return length is not null;
    }

    private async Task SendAsync(Stream stream, CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stop.Token);
        var token = either.Token;
        await stream.FlushAsync(token);   // the head goes out before the first part comes
        while (true)
        {
            var read = await patience.ReadAsync(body, token);
            try
            {
                foreach (var segment in read.Buffer)
                {
                    await stream.WriteAsync(segment, token);
                }

                await stream.FlushAsync(token);
            }
            finally
            {
                body.AdvanceTo(read.Buffer.End);
            }

            if (read.IsCompleted)
            {
                return;
            }
        }
    }
}
