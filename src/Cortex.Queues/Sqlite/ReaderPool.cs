using System.Collections.Concurrent;

namespace Cortex.Queues.Sqlite;

/// <summary>A few connections that read. Whoever needs one waits for it, and gives it back without waiting in between.</summary>
internal sealed class ReaderPool : IDisposable
{
    private readonly ConcurrentStack<ReadStatements> _free = new();
    private readonly SemaphoreSlim _count;
    private readonly int _size;

    public ReaderPool(string path, int size, SteadyClock clock)
    {
        _size = size;
        _count = new SemaphoreSlim(size);
        for (var i = 0; i < size; i++)
        {
            _free.Push(new ReadStatements(path, clock));
        }
    }

    /// <summary>Runs a short read.</summary>
    public async ValueTask<T> ReadAsync<TState, T>(TState state, Func<ReadStatements, TState, T> read, CancellationToken cancellationToken)
    {
        await _count.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return Read(state, read);
        }
        finally
        {
            _count.Release();
        }
    }

    /// <summary>Waits until nobody reads any more, and closes the connections.</summary>
    public async Task CloseAsync()
    {
        for (var i = 0; i < _size; i++)
        {
            await _count.WaitAsync().ConfigureAwait(false);
        }

        Dispose();
        _count.Release(_size);   // who comes now finds none
    }

    public void Dispose()
    {
        while (_free.TryPop(out var reader))
        {
            reader.Dispose();
        }
    }

    private T Read<TState, T>(TState state, Func<ReadStatements, TState, T> read)
    {
        ObjectDisposedException.ThrowIf(!_free.TryPop(out var reader), typeof(SqliteQueueStore));
        try
        {
            return read(reader, state);
        }
        finally
        {
            _free.Push(reader);
        }
    }
}
