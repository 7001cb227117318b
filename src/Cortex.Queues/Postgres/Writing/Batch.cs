using Cortex.Queues.Postgres.Reading;
using Npgsql;

namespace Cortex.Queues.Postgres.Writing;

/// <summary>Operations that are written in one round trip and one transaction, and what came of them.</summary>
internal sealed class Batch
{
    private readonly List<EnqueueOperation> _plain = [];
    private readonly List<EnqueueOperation> _keyed = [];
    private readonly List<FinishOperation> _finish = [];
    private readonly List<DeferOperation> _defer = [];
    private readonly List<ReleaseOperation> _release = [];
    private readonly List<RestoreOperation> _restore = [];
    private readonly List<Operation> _all = [];

    public IReadOnlyList<Operation> Operations => _all;

    public void Add(Operation operation)
    {
        _all.Add(operation);
        switch (operation)
        {
            case EnqueueOperation { Message.IdempotencyKey: null } o: _plain.Add(o); break;
            case EnqueueOperation o: _keyed.Add(o); break;
            case FinishOperation o: _finish.Add(o); break;
            case DeferOperation o: _defer.Add(o); break;
            case ReleaseOperation o: _release.Add(o); break;
            case RestoreOperation o: _restore.Add(o); break;
            default: throw new ArgumentOutOfRangeException(nameof(operation), operation, "unknown kind");
        }
    }

    /// <summary>Writes all and tells what changed. Completes no operation: the caller does when this has returned.</summary>
    public async Task<BatchEffect> ExecuteAsync(NpgsqlConnection connection, StoreClock clock, int attemptsKept, CancellationToken cancellationToken)
    {
        await using var batch = new NpgsqlBatch(connection);
        Append(batch, _plain, o => Statements.Enqueue(o, clock.Wall));
        Append(batch, _keyed, o => Statements.ForgetKeys(o, clock.Wall));
        Append(batch, _keyed, o => Statements.EnqueueKeyed(o, clock.Wall));
        Append(batch, _keyed, Statements.FindKeys);
        Append(batch, _finish, o => Statements.Finish(o, clock.Wall, attemptsKept));
        Append(batch, _defer, o => Statements.Defer(o, attemptsKept));
        Append(batch, _release, Statements.Release);
        Append(batch, _restore, Statements.Restore);

        var effect = new BatchEffect();
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        var first = true;

        async Task<bool> NextAsync<T>(List<T> operations)
        {
            if (operations.Count == 0)
            {
                return false;
            }

            var moved = first || await reader.NextResultAsync(cancellationToken);
            first = false;
            return moved;
        }

        if (await NextAsync(_plain))
        {
            await ReadEnqueuedAsync(reader, _plain, effect, cancellationToken);
        }

        if (await NextAsync(_keyed))
        {
            await ReadEnqueuedAsync(reader, _keyed, effect, cancellationToken);
        }

        if (await NextAsync(_keyed))
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                var operation = _keyed[reader.GetInt32(0) - 1];
                var isOther = NewMessage.AreOthers(reader.ReadNullableBytes(3), operation.Message.Digest.Span);
                effect.Found[operation] = new EnqueueResult(new MessageId(reader.GetInt64(1), reader.GetInt64(2)), IsNew: false, isOther);
            }
        }

        if (await NextAsync(_finish))
        {
            await ReadFinishedAsync(reader, effect, cancellationToken);
        }

        if (await NextAsync(_defer))
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                var operation = _defer[reader.GetInt32(0) - 1];
                effect.Done.Add(operation);
                effect.Deferred(reader.GetInt32(1), operation.Due);
            }
        }

        if (await NextAsync(_release))
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                effect.Work.Add(reader.GetInt32(0));
            }
        }

        if (await NextAsync(_restore))
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                var operation = _restore[reader.GetInt32(0) - 1];
                effect.Done.Add(operation);
                effect.Work.Add(operation.Queue);
                if (reader.ReadNullableText(1) is { } answer)
                {
                    effect.Blobs.Add(answer);
                }
            }
        }

        // The commit is the last answer: errors of it come here.
        while (await reader.NextResultAsync(cancellationToken))
        {
        }

        return effect;
    }

    /// <summary>Tells everybody what came of it.</summary>
    public void Complete(BatchEffect effect)
    {
        foreach (var operation in _all)
        {
            switch (operation)
            {
                case EnqueueOperation o when effect.Done.Contains(o):
                    o.Complete(new EnqueueResult(o.Message.Id, true));
                    break;
                case EnqueueOperation o when effect.Found.TryGetValue(o, out var earlier):
                    o.Complete(earlier);
                    break;
                case EnqueueOperation { Message.IdempotencyKey: not null } o:
                    o.Complete(null);
                    break;
                case EnqueueOperation o:
                    o.Fail(new InvalidOperationException($"queue {o.Message.Queue} is not in use"));
                    break;
                case Operation<bool> o:
                    o.Complete(effect.Done.Contains(o));
                    break;
            }
        }
    }

    private static async Task ReadEnqueuedAsync(NpgsqlDataReader reader, List<EnqueueOperation> operations, BatchEffect effect, CancellationToken cancellationToken)
    {
        while (await reader.ReadAsync(cancellationToken))
        {
            var operation = operations[reader.GetInt32(0) - 1];
            effect.Done.Add(operation);
            effect.Deferred(operation.Queue, operation.Due);
        }
    }

    private async Task ReadFinishedAsync(NpgsqlDataReader reader, BatchEffect effect, CancellationToken cancellationToken)
    {
        while (await reader.ReadAsync(cancellationToken))
        {
            if (reader.ReadNullableText(2) is { } blob)
            {
                effect.Blobs.Add(blob);
                continue;
            }

            var operation = _finish[reader.GetInt32(0) - 1];
            effect.Done.Add(operation);
            effect.Finished.Add(operation.Id.Sequence);
            if (!await reader.IsDBNullAsync(1, cancellationToken))
            {
                effect.Work.Add(reader.GetInt32(1));
            }

            if (operation.Token == 0)
            {
                effect.Revoked.Add(operation.Id.Sequence);
            }
        }
    }

    private static void Append<T>(NpgsqlBatch batch, List<T> operations, Func<List<T>, NpgsqlBatchCommand> statement)
    {
        if (operations.Count > 0)
        {
            batch.BatchCommands.Add(statement(operations));
        }
    }
}
