using System.Runtime.CompilerServices;

namespace Cortex.Client.Requests;

/// <summary>Does something with each value of a source, several at a time.</summary>
internal static class Sliding
{
    /// <summary>
    /// What became of each value, in the order of the source, as soon as it and all before it are done. The source is asked for a value only when there
    /// is room for it. Whoever stops early, or meets an error, cancels what is running and waits for its end.
    /// </summary>
    public static async IAsyncEnumerable<TResult> RunAsync<T, TResult>(
        IAsyncEnumerable<T> source, int width, Func<T, CancellationToken, Task<TResult>> work, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var values = source.GetAsyncEnumerator(stop.Token);
        var running = new Queue<Task<TResult>>();
        Task<bool>? moving = null;
        var isOver = false;
        try
        {
            while (true)
            {
                if (!isOver && running.Count < width)
                {
                    moving ??= values.MoveNextAsync().AsTask();
                }

                if (running.TryPeek(out var first) && (moving is null || await Task.WhenAny(first, moving).ConfigureAwait(false) == first))
                {
                    yield return await running.Dequeue().ConfigureAwait(false);
                }
                else if (moving is null)
                {
                    yield break;
                }
                else
                {
                    isOver = !await moving.ConfigureAwait(false);
                    moving = null;
                    if (!isOver)
                    {
                        running.Enqueue(work(values.Current, stop.Token));
                    }
                }
            }
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll([.. running, moving ?? Task.CompletedTask]).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await values.DisposeAsync().ConfigureAwait(false);
        }
    }
}
