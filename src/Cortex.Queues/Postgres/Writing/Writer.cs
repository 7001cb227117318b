using Cortex.Background;
using Microsoft.Extensions.Logging;

namespace Cortex.Queues.Postgres.Writing;

/// <summary>
/// Writes all that waits as one batch, over and over, on two connections: while one waits for the disk, the other fills its batch.
/// </summary>
internal sealed class Writer : IAsyncDisposable
{
    public const int Connections = 2;

    private const int MaxOperations = 512;
    private const int MaxConflicts = 10;

    private readonly Intake _intake;
    private readonly Database _database;
    private readonly StoreClock _clock;
    private readonly QueueStoreOptions _options;
    private readonly Action<BatchEffect> _committed;
    private readonly ILogger _logger;
    private readonly Task[] _work;
    private int _failing;

    // committed: told after every commit, before those who wait for it.
    public Writer(Database database, StoreClock clock, QueueStoreOptions options, Action<BatchEffect> committed, ILogger logger)
    {
        _database = database;
        _clock = clock;
        _options = options;
        _intake = new Intake(options);
        _committed = committed;
        _logger = logger;
        _work = [.. Enumerable.Range(0, Connections).Select(_ => Task.Run(WorkAsync))];
    }

    /// <summary>Has the operation written; its task completes when it is durable.</summary>
    /// <exception cref="StoreBusyException">Too much waits.</exception>
    public void Post(Operation operation) => _intake.Add(operation);

    /// <summary>Writes what waits, then stops.</summary>
    public async ValueTask DisposeAsync()
    {
        _intake.Close();
        await Task.WhenAll(_work);
    }

    private async Task WorkAsync()
    {
        while (await _intake.WaitAsync())
        {
            var batch = _intake.Take(MaxOperations);
            if (batch.Operations.Count > 0)
            {
                await WriteAsync(batch);
                _intake.Leave(batch);
            }
        }
    }

    private async Task WriteAsync(Batch batch)
    {
        try
        {
            var effect = await CommitAsync(batch).OnPoolAsync();
            _committed(effect);
            batch.Complete(effect);
            if (Interlocked.Exchange(ref _failing, 0) == 1)
            {
                _logger.WritesAgain(_database.Name);
            }
        }
        catch (Exception e) when (Database.IsBadValue(e))
        {
            await WriteOneByOneAsync(batch, e);
        }
        catch (Exception e)
        {
            var told = Database.IsDatabaseError(e) ? _database.Translate(e) : e;
            if (Interlocked.Exchange(ref _failing, 1) == 0)
            {
                _logger.WriteFailed(e, _database.Name, batch.Operations.Count);
            }

            foreach (var operation in batch.Operations)
            {
                operation.Fail(told);
            }
        }
    }

    private async Task<BatchEffect> CommitAsync(Batch batch)
    {
        for (var conflicts = 0; ; conflicts++)
        {
            try
            {
                await using var connection = await _database.OpenAsync(CancellationToken.None);
                return await batch.ExecuteAsync(connection, _clock, _options.AttemptsKept, CancellationToken.None);
            }
            catch (Exception e) when (Database.IsConflict(e) && conflicts < MaxConflicts)
            {
                // Nothing was written; whoever stood in the way has got through by now.
            }
        }
    }

    // One operation that can't be written must not take the others with it.
    private async Task WriteOneByOneAsync(Batch batch, Exception error)
    {
        if (batch.Operations.Count == 1)
        {
            batch.Operations[0].Fail(new ArgumentException($"PostgreSQL refuses a value: {error.Message}", error));
            return;
        }

        foreach (var operation in batch.Operations)
        {
            var single = new Batch();
            single.Add(operation);
            await WriteAsync(single);
        }
    }
}
