using System.Threading.Channels;
using Cortex.Background;
using Cortex.Queues.Blobs;
using Cortex.Queues.Sqlite;
using Microsoft.Extensions.Logging;

namespace Cortex.Queues;

/// <summary>Deletes blobs of messages that are gone, behind the back of whoever finished them. What it misses is an orphan.</summary>
internal sealed class BlobRemover : IAsyncDisposable
{
    private const int Capacity = 100_000;

    private readonly Channel<string> _names = Channel.CreateBounded<string>(new BoundedChannelOptions(Capacity) { SingleReader = true, FullMode = BoundedChannelFullMode.DropWrite });
    private readonly TimeLimit _stop;
    private readonly IBlobStore _blobs;
    private readonly ILogger _logger;
    private readonly Task _work;

    public BlobRemover(IBlobStore blobs, TimeProvider time, ILogger logger)
    {
        _stop = new TimeLimit(Timeout.InfiniteTimeSpan, time, CancellationToken.None);
        _blobs = blobs;
        _logger = logger;
        _work = Task.Run(WorkAsync);
    }

    /// <summary>Has a blob deleted soon.</summary>
    public void Remove(string name) => _names.Writer.TryWrite(name);

    /// <summary>Deletes what it was told to, for at most 5 seconds.</summary>
    public async ValueTask DisposeAsync()
    {
        _names.Writer.TryComplete();
        _stop.Restart(TimeSpan.FromSeconds(5));
        await _work;
        _stop.Dispose();
    }

    private async Task WorkAsync()
    {
        await foreach (var name in _names.Reader.ReadAllAsync(CancellationToken.None))
        {
            if (_stop.IsOver)
            {
                return;
            }

            try
            {
                await _blobs.DeleteAsync(name, _stop.Token);
            }
            catch (Exception exception)
            {
                // Whatever it was: the next one must not stay for it.
                _logger.BlobNotDeleted(exception, name);
            }
        }
    }
}
