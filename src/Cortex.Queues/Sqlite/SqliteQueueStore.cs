using Cortex.Queues.Blobs;
using Cortex.Queues.Sqlite.Live;
using Cortex.Queues.Sqlite.Native;
using Cortex.Queues.Sqlite.Operations;
using Microsoft.Extensions.Logging;

namespace Cortex.Queues.Sqlite;

/// <summary>
/// Durable queues in one SQLite file. One thread writes: it commits all waiting operations as one fully synced group.
/// Leases, and which messages are in line, are in memory: 8 bytes for each message that waits.
/// </summary>
/// <remarks>
/// The file belongs to one process, which is checked. After a kill every message that is not final is in line again.
/// Around <c>queues.db</c> stand <c>-wal</c> and <c>-shm</c> (SQLite's), <c>-lock</c>, and <c>-reserve</c>, whose room is
/// given free when the disk is full, so that results can still be written.
/// </remarks>
public sealed class SqliteQueueStore : IQueueStore
{
    private const int Readers = 2;
    private const long ReserveBytes = 16 * 1024 * 1024;

    private readonly string _path;
    private readonly QueueStoreOptions _options;
    private readonly ILogger _logger;
    private readonly FileStream _lock;
    private readonly Database _database;
    private readonly QueueDirectory _queues = new();
    private readonly ExpiredRemover _expired = new();
    private readonly CommitMeter _meter = new();
    private readonly SteadyClock _clock;
    private readonly IntegrityCheck _check;
    private readonly LiveMessages _live;
    private readonly PayloadCache _cache;
    private readonly FinalWaiters _waiters;
    private readonly BlobRemover _blobRemover;
    private readonly OrphanRemover _orphans;
    private readonly IdSource _ids;
    private readonly Intake _intake;
    private readonly DiskReserve _reserve;
    private readonly GroupWriter _writer;
    private readonly ReaderPool _readers;
    private readonly ITimer _sweepTimer;
    private int _disposing;
    private volatile bool _closed;

    private SqliteQueueStore(string path, FileStream fileLock, Database database, QueueStoreOptions options, IBlobStore blobs, TimeProvider time, ILogger logger)
    {
        var started = time.GetTimestamp();
        _path = path;
        _lock = fileLock;
        _database = database;
        _options = options;
        _logger = logger;
        Blobs = blobs;
        _check = new IntegrityCheck(path, logger);
        _check.Start(time);
        _clock = new SteadyClock(time, StoreFile.LastNoted(database));
        var (firstToken, nextSequence) = StoreFile.BeginEpoch(database, _clock.Now);
        _live = new LiveMessages(time, firstToken);
        StoreFile.Load(database, _queues, _live, _expired, options.FairnessInterval, _clock.Now);
        _ids = new IdSource(nextSequence);
        _cache = new PayloadCache(options.PayloadCacheBytes);
        _waiters = new FinalWaiters(options.MaxWaiters, time);
        _reserve = new DiskReserve(path, ReserveBytes, logger);
        _reserve.Make();
        _readers = new ReaderPool(path, Readers, _clock);
        _intake = new Intake(options);
        _blobRemover = new BlobRemover(blobs, time, logger);
        var context = new WriteContext(new WriteStatements(database), _queues, _live, _cache, _waiters, _blobRemover, _ids, _expired, options, _clock, logger);
        _writer = new GroupWriter(database, context, _intake, _reserve, _check, _meter, time, path, logger);
        _writer.Start();
        _sweepTimer = time.CreateTimer(_ => Sweep(), null, options.SweepInterval, options.SweepInterval);
        _orphans = new OrphanRemover(blobs, OwnsBlobAsync, options.OrphanAge, time, logger);
        _orphans.Start();
        logger.Opened(path, _queues.All.Sum(q => (long)_live.Count(q).Waiting), Database.Version, time.GetElapsedTime(started).TotalMilliseconds);
    }

    /// <inheritdoc/>
    public IBlobStore Blobs { get; }

    /// <inheritdoc/>
    public string? Damage => _check.Damage;

    /// <summary>Completes when the file has been checked, as far as it is.</summary>
    internal Task Checked => _check.Ended;

    /// <summary>What the store has done, and how busy it is.</summary>
    public SqliteStoreMetrics Metrics
    {
        get
        {
            var (operations, bytes) = _intake.Pending;
            var wal = new FileInfo(_path + "-wal");
            return _meter.Read(operations, bytes, wal.Exists ? wal.Length : 0, _reserve.IsReleased);
        }
    }

    /// <summary>Opens the file, or makes it, and reads what waits in it: half a second for a million messages.</summary>
    /// <param name="path">The database file; its folder exists, on a local file system that syncs honestly.</param>
    /// <param name="options">The bounds.</param>
    /// <param name="blobs">Where large payloads and results are. It stays the caller's, who disposes it after the store.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Gets what an administrator has to know.</param>
    /// <exception cref="InvalidDataException">The file is damaged, another's, or a newer version's.</exception>
    /// <exception cref="StoreOwnedException">The file is another cluster's.</exception>
    /// <exception cref="StoreUnavailableException">Another process has the file, or it can't be opened.</exception>
    /// <exception cref="StoreFullException">There is no room.</exception>
    public static Task<SqliteQueueStore> OpenAsync(string path, QueueStoreOptions options, IBlobStore blobs, TimeProvider time, ILogger logger)
    {
        StoreInput.Check(options);
        return Task.Run(() => Open(path, options, blobs, time, logger));
    }

    /// <inheritdoc/>
    public MessageId NewId() => _ids.Next();

    /// <inheritdoc/>
    public Task ConfigureAsync(string queue, QueueSettings settings, CancellationToken cancellationToken)
    {
        StoreInput.CheckQueue(queue);
        StoreInput.Check(settings);
        return WriteAsync(new ConfigureOperation(queue, settings), cancellationToken);
    }

    /// <inheritdoc/>
    public Task RetireAsync(string queue, CancellationToken cancellationToken)
    {
        StoreInput.CheckQueue(queue);
        return WriteAsync(new RetireOperation(queue), cancellationToken);
    }

    /// <inheritdoc/>
    public Task DeleteAsync(string queue, CancellationToken cancellationToken)
    {
        StoreInput.CheckQueue(queue);
        return WriteAsync(new DeleteOperation(queue, retiredUntil: null), cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<string>> ListQueuesAsync(string prefix, CancellationToken cancellationToken) => ValueTask.FromResult<IReadOnlyList<string>>(
        [.. _queues.All.Where(queue => queue.RetiredAt is null && queue.Name.StartsWith(prefix, StringComparison.Ordinal)).Select(queue => queue.Name)]);

    /// <inheritdoc/>
    public ValueTask<EnqueueResult> EnqueueAsync(NewMessage message, CancellationToken cancellationToken)
    {
        StoreInput.Check(message, _options.InlineLimit);
        _queues.GetInUse(message.Queue);
        return new(WriteAsync(new EnqueueOperation(Own(message)), cancellationToken));
    }

    /// <inheritdoc/>
    public Task EnqueueManyAsync(string queue, IReadOnlyList<NewMessage> messages, string? checkpoint, CancellationToken cancellationToken)
    {
        StoreInput.Check(queue, messages, checkpoint, _options);
        _queues.GetInUse(queue);
        return WriteAsync(new EnqueueManyOperation(queue, [.. messages.Select(Own)], checkpoint), cancellationToken);
    }

    /// <inheritdoc/>
    public async ValueTask<string?> ReadCheckpointAsync(string queue, CancellationToken cancellationToken) =>
        _queues.Find(queue) is { } state ? await ReadAsync(state.Number, static (reader, number) => reader.Checkpoint(number), cancellationToken) : null;

    /// <inheritdoc/>
    public ValueTask<LeasedMessage?> LeaseAsync(string queue, TimeSpan visibility, TimeSpan wait, CancellationToken cancellationToken)
    {
        StoreInput.CheckVisibility(visibility);
        StoreInput.CheckWait(wait);
        ObjectDisposedException.ThrowIf(_closed, this);
        _check.ThrowIfDamaged();   // what came of it could not be stored
        cancellationToken.ThrowIfCancellationRequested();
        return LeaseAsync(_queues.Get(queue), visibility, wait, cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask ExtendAsync(IReadOnlyList<Lease> leases, TimeSpan visibility, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(leases);
        StoreInput.CheckVisibility(visibility);
        foreach (var lease in leases)
        {
            _live.Extend(lease, visibility);
        }

        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask<bool> CompleteAsync(Lease lease, Body result, CancellationToken cancellationToken)
    {
        StoreInput.Check(result, _options.InlineLimit);
        return new(WriteAsync(new EndOperation(lease, End.Complete, Own(result), null, TimeSpan.Zero), cancellationToken));
    }

    /// <inheritdoc/>
    public ValueTask<bool> FailAsync(Lease lease, Attempt attempt, TimeSpan? retryAfter, Body? answer, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(attempt);
        StoreInput.CheckDelay(retryAfter ?? TimeSpan.Zero);
        StoreInput.Check(answer ?? default, _options.InlineLimit);
        return new(WriteAsync(
            new EndOperation(lease, retryAfter is null ? End.GiveUp : End.Retry, Own(answer ?? default), attempt, retryAfter ?? TimeSpan.Zero, keepsAnswer: answer is not null), cancellationToken));
    }

    /// <inheritdoc/>
    public ValueTask<bool> LoseAsync(Lease lease, Attempt attempt, TimeSpan delay, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(attempt);
        StoreInput.CheckDelay(delay);
        return new(WriteAsync(new EndOperation(lease, End.Lose, default, attempt, delay), cancellationToken));
    }

    /// <inheritdoc/>
    public ValueTask ReleaseAsync(Lease lease, CancellationToken cancellationToken)
    {
        _live.Release(lease.Id.Sequence, lease.Token);
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask<ChangeOutcome> CancelAsync(string queue, MessageId id, CancellationToken cancellationToken)
    {
        _queues.Get(queue);
        return new(WriteAsync(new ChangeOperation(queue, id, retry: false), cancellationToken));
    }

    /// <inheritdoc/>
    public ValueTask<ChangeOutcome> RetryAsync(string queue, MessageId id, CancellationToken cancellationToken)
    {
        _queues.GetInUse(queue);
        return new(WriteAsync(new ChangeOperation(queue, id, retry: true), cancellationToken));
    }

    /// <inheritdoc/>
    public async ValueTask<MessageRecord?> GetAsync(string queue, MessageId id, CancellationToken cancellationToken)
    {
        if (_queues.Find(queue) is not { } state)
        {
            return null;
        }

        // Asked before the file: a message that ends meanwhile is then seen as worked on, never as waiting again.
        var leased = _live.IsLeased(id.Sequence);
        var delayed = _live.IsDelayed(id.Sequence);
        var record = await ReadAsync((state.Number, id), static (reader, s) => reader.Find(s.Number, s.id), cancellationToken);
        return record is null ? null : WithLive(record, leased, delayed);
    }

    /// <inheritdoc/>
    public ValueTask<MessageRecord?> WaitAsync(string queue, MessageId id, TimeSpan wait, CancellationToken cancellationToken) =>
        _waiters.WaitAsync(id.Sequence, wait, () => GetAsync(queue, id, cancellationToken), cancellationToken);

    /// <inheritdoc/>
    public async ValueTask<MessagePage> ListAsync(string queue, MessageQuery query, CancellationToken cancellationToken)
    {
        StoreInput.Check(query);
        if (_queues.Find(queue) is not { } state)
        {
            return new MessagePage([], null);
        }

        var leased = _live.ListLeased(state);
        return await ReadAsync((state, query, leased), (reader, s) => MessageLister.List(reader, _live, s.state, s.query, s.leased), cancellationToken);
    }

    /// <inheritdoc/>
    public async ValueTask<QueueCounts> CountAsync(string queue, CancellationToken cancellationToken)
    {
        if (_queues.Find(queue) is not { } state)
        {
            return default;
        }

        var (waiting, delayed, leased, oldest) = _live.Count(state);
        return new QueueCounts(waiting, delayed, leased, oldest is { } sequence ? await EnqueuedAtAsync(state, sequence, cancellationToken) : null);
    }

    /// <inheritdoc/>
    public async ValueTask<QueueTotals> TotalAsync(string queue, CancellationToken cancellationToken) =>
        _queues.Find(queue) is { } state ? await ReadAsync(state.Number, static (reader, number) => reader.Total(number), cancellationToken) : default;

    /// <summary>Finishes what was accepted, sends away who waits, and brings everything into the main file.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposing, 1) != 0)
        {
            await _writer.Ended;
            return;
        }

        await _sweepTimer.DisposeAsync();
        await _orphans.DisposeAsync();
        _closed = true;
        _live.Close(_queues.All);
        _intake.Close();
        await _writer.Ended;
        _waiters.Close();
        await _blobRemover.DisposeAsync();
        await _readers.CloseAsync();
        _check.Dispose();
        Checkpoint();
        _live.Dispose();
        _database.Dispose();
        await _lock.DisposeAsync();
    }

    /// <summary>Removes blobs that belong to no message. Returns how many.</summary>
    internal Task<int> SweepOrphansAsync(CancellationToken cancellationToken) => _orphans.SweepAsync(cancellationToken);

    private static SqliteQueueStore Open(string path, QueueStoreOptions options, IBlobStore blobs, TimeProvider time, ILogger logger)
    {
        var fileLock = StoreFile.Lock(path);
        Database? database = null;
        try
        {
            database = StoreFile.Open(path, options.Cluster);
            return new SqliteQueueStore(path, fileLock, database, options, blobs, time, logger);
        }
        catch (Exception exception)
        {
            database?.Dispose();
            fileLock.Dispose();
            if (exception is SqliteError error)
            {
                throw StoreFile.Explain(path, error);
            }

            throw;
        }
    }

    private async ValueTask<LeasedMessage?> LeaseAsync(QueueState queue, TimeSpan visibility, TimeSpan wait, CancellationToken cancellationToken)
    {
        var until = _live.Now + wait.Ticks;
        while (true)
        {
            var left = TimeSpan.FromTicks(Math.Max(0, until - _live.Now));
            var lease = _live.Lease(queue, visibility, wait: left > TimeSpan.Zero, out var waiter);
            if (lease is null)
            {
                if (waiter is null)
                {
                    return null;
                }

                lease = await _live.WaitAsync(waiter, left, cancellationToken);
                if (lease is null)
                {
                    return null;
                }
            }

            var message = await LoadAsync(lease, cancellationToken);
            if (message is not null)
            {
                return message;
            }

            // It became final a moment ago: its lease ends as soon as that shows in memory.
        }
    }

    private async ValueTask<LeasedMessage?> LoadAsync(LiveLease lease, CancellationToken cancellationToken)
    {
        if (_cache.TryTake(lease.Sequence, out var cached))
        {
            return new LeasedMessage
            {
                Lease = new Lease(new MessageId(lease.Sequence, cached.Secret), lease.Token),
                Head = cached.Head,
                Payload = cached.Payload,
                Priority = lease.Priority,
                EnqueuedAt = _clock.Show(cached.EnqueuedAt),
                FailedAttempts = 0,
                LostAttempts = 0,
                Revoked = lease.Revoked,
            };
        }

        MessageRecord? record;
        try
        {
            record = await ReadAsync(lease, static (reader, l) => reader.FindMessage(l.Queue.Number, l.Sequence), cancellationToken);
        }
        catch
        {
            _live.Release(lease.Sequence, lease.Token);
            throw;
        }

        return record is not { Status: MessageStatus.Waiting } ? null : new LeasedMessage
        {
            Lease = new Lease(record.Id, lease.Token),
            Head = record.Head,
            Payload = record.Payload!.Value,
            Priority = record.Priority,
            EnqueuedAt = record.EnqueuedAt,
            FailedAttempts = record.FailedAttempts,
            LostAttempts = record.LostAttempts,
            Revoked = lease.Revoked,
        };
    }

    private async ValueTask<DateTimeOffset?> EnqueuedAtAsync(QueueState queue, long sequence, CancellationToken cancellationToken)
    {
        var known = queue.Oldest;
        if (known?.Sequence != sequence)
        {
            if (await ReadAsync(sequence, static (reader, s) => reader.EnqueuedAt(s), cancellationToken) is not { } at)
            {
                return null;
            }

            queue.Oldest = known = new OldestMessage(sequence, at);
        }

        return _clock.Show(known.EnqueuedAt);
    }

    internal static MessageRecord WithLive(MessageRecord record, bool leased, bool delayed) => record.Status != MessageStatus.Waiting
        ? record
        : record with { Status = leased ? MessageStatus.Leased : MessageStatus.Waiting, NotBefore = delayed && !leased ? record.NotBefore : null };

    internal Task<T> WriteAsync<T>(Operation<T> operation, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        _intake.Add(operation);
        return cancellationToken.CanBeCanceled ? operation.Task.WaitAsync(cancellationToken) : operation.Task;
    }

    private async ValueTask<T> ReadAsync<TState, T>(TState state, Func<ReadStatements, TState, T> read, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_closed, this);
        try
        {
            return await _readers.ReadAsync(state, read, cancellationToken);
        }
        catch (SqliteError error)
        {
            _check.Report(error);
            throw new StoreUnavailableException($"Can't read {_path}: {error.Message}", error);
        }
    }

    private ValueTask<bool> OwnsBlobAsync(string name, MessageId id, CancellationToken cancellationToken) =>
        ReadAsync((name, id, _queues), static (reader, s) => reader.Owns(s.name, s.id.Sequence, s._queues.All), cancellationToken);

    // What the caller gave stays his: he may use it again as soon as he stops waiting.
    private static NewMessage Own(NewMessage message) => message with { Head = message.Head.ToArray(), Payload = Own(message.Payload) };

    private static Body Own(Body body) => body.Blob is null ? Body.Of(body.Inline.ToArray()) : body;

    private void Sweep()
    {
        var now = _clock.Now;
        foreach (var queue in _queues.All.Where(q => q.RetiredAt + q.Retention <= now))
        {
            _ = DeleteRetiredAsync(queue, now - queue.Retention);
        }

        _writer.Sweep();
    }

    private async Task DeleteRetiredAsync(QueueState queue, long retiredUntil)
    {
        try
        {
            await WriteAsync(new DeleteOperation(queue.Name, retiredUntil), CancellationToken.None);
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            _logger.SweepFailed(exception, _path);
        }
    }

    private void Checkpoint()
    {
        try
        {
            _database.Execute(Damage is null ? $"UPDATE meta SET steady = {_clock.Now}; PRAGMA wal_checkpoint(TRUNCATE);" : "PRAGMA wal_checkpoint(TRUNCATE)");
        }
        catch (SqliteError error)
        {
            _logger.CheckpointFailed(error, _path);
        }
    }
}
