using Npgsql;

namespace Cortex.Queues.Postgres.Writing;

/// <summary>Puts many messages and a checkpoint into one queue: a transaction of its own, one at a time.</summary>
internal sealed class BulkWriter(Database database, StoreClock clock) : IDisposable
{
    private readonly SemaphoreSlim _turn = new(1);

    public void Dispose() => _turn.Dispose();

    /// <summary>False when the queue is not in use; then nothing was written.</summary>
    public async Task<bool> WriteAsync(int queue, List<EnqueueOperation> messages, string? checkpoint, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            await using var connection = await database.OpenAsync(cancellationToken);
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
            await using var batch = new NpgsqlBatch(connection, transaction);
            batch.BatchCommands.Add(Statements.Enqueue(messages, clock.Wall));
            if (checkpoint is not null)
            {
                batch.BatchCommands.Add(new NpgsqlBatchCommand("update queues set checkpoint = $2 where id = $1").Add(queue).Add(checkpoint));
            }

            var written = 0;
            await using (var reader = await batch.ExecuteReaderAsync(cancellationToken))
            {
                while (await reader.ReadAsync(cancellationToken))
                {
                    written++;
                }
            }

            if (written < messages.Count)
            {
                return false;
            }

            await transaction.CommitAsync(CancellationToken.None);
            return true;
        }
        finally
        {
            _turn.Release();
        }
    }
}
