namespace Cortex.Runtimes.Docker.Engine;

/// <summary>Bounds how many starts, signals and removals the engine is asked for at a time, and asks for less while it is slow.</summary>
/// <remarks>
/// Dozens at once take the engine longer than a few after each other, and have been seen to deadlock it. So the bound moves as TCP's does: a quick
/// answer raises it by one part of itself, so that as many as fit make it one more; one that takes longer than <see cref="Slow"/> halves
/// it, but calls that were under way together do so once. Such a call gives its place to the next one: a container that the engine never
/// answers for must not keep all others from starting.
/// </remarks>
/// <param name="most">The bound at first and at most.</param>
/// <param name="time">The clock.</param>
internal sealed class EnginePace(int most, TimeProvider time)
{
    /// <summary>An answer that takes longer counts as trouble.</summary>
    public static readonly TimeSpan Slow = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private readonly Queue<TaskCompletionSource> _line = new();
    private double _limit = most;
    private int _underWay;
    private long _halvedAt = long.MinValue;

    /// <summary>So many calls may be under way now.</summary>
    public int Limit
    {
        get
        {
            lock (_lock)
            {
                return (int)_limit;
            }
        }
    }

    /// <summary>Makes a call when it is its turn.</summary>
    /// <param name="call">The call; bounded by whoever makes it.</param>
    /// <param name="cancellationToken">Leaves the line.</param>
    public async Task RunAsync(Func<Task> call, CancellationToken cancellationToken)
    {
        await EnterAsync(cancellationToken);
        var began = time.GetTimestamp();
        var answer = AnswerAsync(call);
        var isQuick = await IsQuickAsync(answer);
        Leave(began, isQuick);
        await answer;
    }

    private async Task EnterAsync(CancellationToken cancellationToken)
    {
        if (Join() is not { } turn)
        {
            return;
        }

        await using var leaving = cancellationToken.UnsafeRegister(static (state, token) => ((TaskCompletionSource)state!).TrySetCanceled(token), turn);
        await turn.Task;
    }

    // Null when it is one's turn.
    private TaskCompletionSource? Join()
    {
        lock (_lock)
        {
            if (_line.Count == 0 && _underWay < (int)_limit)
            {
                _underWay++;
                return null;
            }

            var turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _line.Enqueue(turn);
            return turn;
        }
    }

    private void Leave(long began, bool isQuick)
    {
        lock (_lock)
        {
            _underWay--;
            if (isQuick)
            {
                _limit = Math.Min(most, _limit + (1 / _limit));
            }
            else if (began >= _halvedAt)
            {
                _halvedAt = time.GetTimestamp();
                _limit = Math.Max(1, _limit / 2);
            }

            while (_underWay < (int)_limit && _line.TryDequeue(out var turn))
            {
                // One that has been cancelled has left the line.
                _underWay += turn.TrySetResult() ? 1 : 0;
            }
        }
    }

    // Asynchronous from the start, so that a call that throws at once does not keep its place.
    private static async Task AnswerAsync(Func<Task> call) => await call();

    // An error of the engine's is an answer like any other.
    private async Task<bool> IsQuickAsync(Task answer)
    {
        await answer.WaitAsync(Slow, time, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return answer.IsCompletedSuccessfully || answer.Exception?.InnerException is EngineException;
    }
}
