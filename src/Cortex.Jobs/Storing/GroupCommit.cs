using System.Data.Common;
using System.Threading.Channels;
using Cortex.Background;
using Cortex.Queues;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace Cortex.Jobs.Storing;

/// <summary>Commits what waits as one group, over and over, so that many callers share one sync.</summary>
internal sealed class GroupCommit : IAsyncDisposable
{
    private const int MaxPending = 4096;
    private const int MaxGroup = 256;
    private const int Constraint = 19;   // SQLITE_CONSTRAINT

    private readonly Func<Func<DbConnection, Task>, Task> _commit;
    private readonly Channel<Change> _changes = Channel.CreateBounded<Change>(new BoundedChannelOptions(MaxPending) { SingleReader = true });
    private readonly BackgroundWork _background;
    private readonly List<Change> _group = new(MaxGroup);

    /// <summary>Begins to wait for changes.</summary>
    /// <param name="commit">Does something in one transaction.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Where to log.</param>
    public GroupCommit(Func<Func<DbConnection, Task>, Task> commit, TimeProvider time, ILogger logger)
    {
        _commit = commit;
        _background = new BackgroundWork(logger, time);
        _background.StartLoop("the writer of jobs", RunAsync);
    }

    /// <summary>Makes a change; returns once it is committed.</summary>
    /// <param name="write">Makes it; maybe more than once, when nothing was stored before.</param>
    /// <param name="cancellationToken">Stops waiting; the change may be made all the same.</param>
    public async Task<T> WriteAsync<T>(Func<DbConnection, Task<T>> write, CancellationToken cancellationToken)
    {
        T result = default!;
        var change = new Change(async connection => result = await write(connection), new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        await _changes.Writer.WriteAsync(change, cancellationToken);
        await change.Done.Task.WaitAsync(cancellationToken);
        return result;
    }

    /// <summary>Ends once what was given to it is written.</summary>
    public async ValueTask DisposeAsync()
    {
        _changes.Writer.TryComplete();
        await _background.WhenIdleAsync(CancellationToken.None);
        await _background.DisposeAsync();
    }

    private async Task RunAsync(CancellationToken cancellationToken)
    {
        while (_group.Count > 0 || await _changes.Reader.WaitToReadAsync(CancellationToken.None))
        {
            while (_group.Count < MaxGroup && _changes.Reader.TryRead(out var change))
            {
                _group.Add(change);
            }

            await WriteAsync(_group);
            _group.Clear();
        }
    }

    // Whatever goes wrong, each caller is told.
    private async Task WriteAsync(IReadOnlyList<Change> group)
    {
        try
        {
            await _commit(async connection =>
            {
                foreach (var change in group)
                {
                    await change.Apply(connection);
                }
            });
        }
        catch (Exception exception) when (group.Count == 1 || IsOfTheStore(exception))
        {
            Tell(group, change => change.Done.TrySetException(exception));
            return;
        }
        catch (Exception)
        {
            // One of them can't be made; the others are none the worse for it.
            foreach (var change in group)
            {
                await WriteAsync([change]);
            }

            return;
        }

        Tell(group, change => change.Done.TrySetResult());
    }

    private static bool IsOfTheStore(Exception exception) =>
        exception is StoreUnavailableException or StoreFullException or StaleEpochException or SqliteException { SqliteErrorCode: not Constraint };

    private static void Tell(IReadOnlyList<Change> group, Action<Change> tell)
    {
        foreach (var change in group)
        {
            tell(change);
        }
    }

    private sealed record Change(Func<DbConnection, Task> Apply, TaskCompletionSource Done);
}
