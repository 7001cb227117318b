using System.Security.Cryptography;
using Npgsql;

namespace Cortex.Queues.Postgres;

/// <summary>Gives ids from blocks of sequence numbers that the database hands out, so that no two processes give the same.</summary>
internal sealed class IdBlocks(Database database)
{
    private const int BlockBits = 20;
    private const long BlockSize = 1L << BlockBits;

    private Block _current = new(0, BlockSize);
    private volatile Block? _next;
    private int _isFetching;

    /// <summary>A new id. Cheap; the database is asked beside it.</summary>
    /// <exception cref="StoreUnavailableException">The database could not be asked for so long that all blocks were used up.</exception>
    public MessageId Next()
    {
        Span<byte> random = stackalloc byte[8];
        RandomNumberGenerator.Fill(random);
        return new MessageId(NextSequence(), BitConverter.ToInt64(random) & MessageId.MaxSecret);
    }

    /// <summary>Takes a first block.</summary>
    public async Task StartAsync(CancellationToken cancellationToken) => Volatile.Write(ref _current, await FetchAsync(cancellationToken));

    /// <summary>
    /// Takes a new block when another process has had one since: whoever gives numbers from an old block would put its messages before theirs.
    /// </summary>
    /// <param name="newest">The last block that the database handed out.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task RenewAsync(long newest, CancellationToken cancellationToken)
    {
        var held = _next ?? Volatile.Read(ref _current);
        if (newest > held.Number)
        {
            var fresh = await FetchAsync(cancellationToken);
            _next = null;
            Volatile.Write(ref _current, fresh);
        }
    }

    private long NextSequence()
    {
        while (true)
        {
            var block = Volatile.Read(ref _current);
            if (block.TryTake(out var sequence, out var isHalf))
            {
                if (isHalf)
                {
                    _ = FetchNextAsync();
                }

                return sequence;
            }

            var next = _next;
            if (next is null && ReferenceEquals(block, Volatile.Read(ref _current)))
            {
                _ = FetchNextAsync();
                throw new StoreUnavailableException($"PostgreSQL at {database.Name} could not be asked for new ids");
            }

            if (next is not null && Interlocked.CompareExchange(ref _current, next, block) == block)
            {
                _next = null;
            }
        }
    }

    private async Task FetchNextAsync()
    {
        if (Interlocked.Exchange(ref _isFetching, 1) == 1)
        {
            return;
        }

        try
        {
            _next ??= await FetchAsync(CancellationToken.None);
        }
        catch (Exception e) when (Database.IsDatabaseError(e))
        {
            // Asked again when the block is used up; who finds no id then is told.
        }
        finally
        {
            Volatile.Write(ref _isFetching, 0);
        }
    }

    private async Task<Block> FetchAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand("select nextval('id_blocks')", connection);
        return new Block((long)(await command.ExecuteScalarAsync(cancellationToken))!, 0);
    }

    private sealed class Block(long number, long used)
    {
        private long _used = used;

        public long Number => number;

        public bool TryTake(out long sequence, out bool isHalf)
        {
            var taken = Interlocked.Increment(ref _used) - 1;
            sequence = (number << BlockBits) | taken;
            isHalf = taken == BlockSize / 2;
            return taken < BlockSize;
        }
    }
}
