using System.Collections.Concurrent;
using Cortex.Background;
using Cortex.Queues.Blobs;
using Cortex.Queues.Postgres.Leasing;
using Cortex.Queues.Postgres.Reading;
using Cortex.Queues.Postgres.Upkeep;
using Cortex.Queues.Postgres.Writing;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Cortex.Queues.Postgres;

/// <summary>
/// Durable queues in PostgreSQL (15 or newer), which several processes may share. Waiting operations are written together, each batch in one round trip and one
/// transaction; messages are leased several at a time; processes tell each other by LISTEN/NOTIFY, and look once a second for what no notice told of.
/// </summary>
/// <remarks>
/// A process that ends without signing off, or can't reach the database for 10 seconds, loses its leases to the others. At high rates up to a tenth of a second of work is fetched ahead, which a
/// message that comes back or has a higher priority does not overtake; within a priority the order of two processes' messages may differ by a second.
/// The tables are in the schema <c>cortex</c>, or in the first one of the connection string's <c>Search Path</c>; they are made when they are missing.
/// </remarks>
public sealed class PostgresQueueStore : IQueueStore, ISessionListener
{
    private const int MaxConnections = 12;
    private static readonly TimeSpan ExpiryInterval = TimeSpan.FromMilliseconds(100);

    // The longest wait that timers know, about.
    private static readonly TimeSpan MaxWait = TimeSpan.FromDays(40);

    private readonly Database _database;
    private readonly QueueStoreOptions _options;
    private readonly StoreClock _clock;
    private readonly ILogger _logger;
    private readonly QueueDirectory _queues;
    private readonly IdBlocks _ids;
    private readonly Owner _owner = new();
    private readonly HeldLeases _held;
    private readonly LeaseLines _lines;
    private readonly FinalWaiters _waiters;
    private readonly Writer _writer;
    private readonly BulkWriter _bulk;
    private readonly MessageReader _reader;
    private readonly CountReader _counts;
    private readonly Notifier _notifier;
    private readonly Session _session;
    private readonly Promoter _promoter;
    private readonly ExpiredRemover _expired;
    private readonly Vacuum _vacuum;
    private readonly BlobRemover _blobRemover;
    private readonly OrphanRemover _orphans;
    private readonly ITimer _expiryTimer;
    private readonly ConcurrentDictionary<Task, bool> _givingBack = new();
    private int _disposed;

    private PostgresQueueStore(Database database, StoreClock clock, QueueStoreOptions options, SessionTiming timing, IBlobStore blobs, ILogger logger)
    {
        _database = database;
        _clock = clock;
        _options = options;
        _logger = logger;
        Blobs = blobs;
        _queues = new QueueDirectory(database);
        _ids = new IdBlocks(database);
        _held = new HeldLeases(clock.Time);
        _waiters = new FinalWaiters(options.MaxWaiters, clock.Time);
        _writer = new Writer(database, clock, options, OnCommitted, logger);
        _lines = new LeaseLines(database, _held, _owner, _writer.Post, SettleAsync, options, clock.Time);
        _bulk = new BulkWriter(database, clock);
        _reader = new MessageReader(database, clock);
        _counts = new CountReader(database);
        _notifier = new Notifier(database, _owner, timing.Notices, logger);
        _session = new Session(database, _owner, _held, timing, this, logger);
        _blobRemover = new BlobRemover(blobs, clock.Time, logger);
        _promoter = new Promoter(database, clock, timing.Poll, OnInLine, logger);
        _expired = new ExpiredRemover(database, clock, options.Cluster, options.SweepInterval, _blobRemover.Remove, name => DeleteAsync(name, CancellationToken.None), logger);
        _vacuum = new Vacuum(database, logger);
        _orphans = new OrphanRemover(blobs, OwnsBlobAsync, options.OrphanAge, clock.Time, logger);
        _expiryTimer = clock.Time.CreateTimer(_ => Expire(), null, ExpiryInterval, ExpiryInterval);
    }

    /// <inheritdoc/>
    public IBlobStore Blobs { get; }

    /// <summary>Number of this process in the database.</summary>
    internal int OwnerId => _owner.Id;

    /// <summary>Connects, and makes the tables where they are missing.</summary>
    /// <param name="connectionString">As Npgsql takes it: <c>Host=...;Username=...;Password=...;Database=...</c>. No transaction pooler may stand before the server.</param>
    /// <param name="options">The bounds. <see cref="QueueStoreOptions.PayloadCacheBytes"/> is of no use here.</param>
    /// <param name="blobs">Where large payloads and results are, the same for all processes. It stays the caller's, who disposes it after the store.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Gets what an administrator has to know.</param>
    /// <exception cref="ArgumentException">The connection string can't be read, or an option is out of its range.</exception>
    /// <exception cref="StoreOwnedException">The tables are another cluster's.</exception>
    /// <exception cref="StoreUnavailableException">The server can't be reached, refuses the user, or has tables of a newer format.</exception>
    /// <exception cref="StoreFullException">There is no room.</exception>
    public static Task<PostgresQueueStore> OpenAsync(string connectionString, QueueStoreOptions options, IBlobStore blobs, TimeProvider time, ILogger logger) =>
        OpenAsync(connectionString, options, new SessionTiming(), blobs, time, logger);

    internal static async Task<PostgresQueueStore> OpenAsync(
        string connectionString, QueueStoreOptions options, SessionTiming timing, IBlobStore blobs, TimeProvider time, ILogger logger)
    {
        StoreInput.Check(options);
        var database = new Database(connectionString, "cortex queues", MaxConnections);
        PostgresQueueStore? store = null;
        try
        {
            TimeSpan offset;
            long floor;
            await using (var connection = await database.OpenAsync(CancellationToken.None))
            {
                floor = await Schema.MigrateAsync(connection, database, options.Cluster, CancellationToken.None);
                offset = timing.FollowsDatabaseClock ? await OffsetAsync(connection, time) : TimeSpan.Zero;
            }

            store = new PostgresQueueStore(database, new StoreClock(time, offset, floor), options, timing, blobs, logger);
            await store._ids.StartAsync(CancellationToken.None);
            await store._session.StartAsync(CancellationToken.None);
            store._orphans.Start();
            logger.Opened(database.Name, database.Schema);
            return store;
        }
        catch (Exception e)
        {
            await (store?.DisposeAsync() ?? database.DisposeAsync());
            if (Database.IsDatabaseError(e))
            {
                throw database.Translate(e);
            }

            throw;
        }
    }

    /// <inheritdoc/>
    public MessageId NewId() => _ids.Next();

    /// <inheritdoc/>
    public async Task ConfigureAsync(string queue, QueueSettings settings, CancellationToken cancellationToken)
    {
        StoreInput.CheckQueue(queue);
        StoreInput.Check(settings);
        await AskAsync(() => _queues.ConfigureAsync(queue, StoreClock.ToMicroseconds(settings.Retention), cancellationToken));
        _notifier.Send([], [], [], queuesChanged: true);
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<string>> ListQueuesAsync(string prefix, CancellationToken cancellationToken) =>
        await AskAsync(() => _queues.ListAsync(prefix, cancellationToken));

    /// <inheritdoc/>
    public async Task RetireAsync(string queue, CancellationToken cancellationToken)
    {
        StoreInput.CheckQueue(queue);
        if (await AskAsync(() => _queues.RetireAsync(queue, _clock.Wall, cancellationToken)) is { } entry)
        {
            _lines.Close(entry.Id);
            _notifier.Send([], [], [], queuesChanged: true);
        }
    }

    /// <inheritdoc/>
    public async Task DeleteAsync(string queue, CancellationToken cancellationToken)
    {
        StoreInput.CheckQueue(queue);
        if (await AskAsync(() => _queues.RemoveAsync(queue, cancellationToken)) is { } id)
        {
            OnQueueEnded(id, isGone: true);
            _notifier.Send([], [], [], queuesChanged: true);
            _expired.Wake();
        }
    }

    /// <inheritdoc/>
    public async ValueTask<EnqueueResult> EnqueueAsync(NewMessage message, CancellationToken cancellationToken)
    {
        StoreInput.Check(message, _options.InlineLimit);
        while (true)
        {
            var operation = await PrepareAsync(message, cancellationToken);
            _writer.Post(operation);
            if (await operation.Task.WaitAsync(cancellationToken) is { } result)
            {
                return result;
            }
        }
    }

    /// <inheritdoc/>
    public async Task EnqueueManyAsync(string queue, IReadOnlyList<NewMessage> messages, string? checkpoint, CancellationToken cancellationToken)
    {
        StoreInput.Check(queue, messages, checkpoint, _options);
        var entry = await GetInUseAsync(queue, cancellationToken);
        var operations = new List<EnqueueOperation>(messages.Count);
        foreach (var message in messages)
        {
            operations.Add(await PrepareAsync(message, cancellationToken));
        }

        if (!await AskAsync(() => _bulk.WriteAsync(entry.Id, operations, checkpoint, cancellationToken)))
        {
            throw NotInUse(queue);
        }

        var effect = new BatchEffect();
        operations.ForEach(o => effect.Deferred(o.Queue, o.Due));
        OnCommitted(effect);
    }

    /// <inheritdoc/>
    public async ValueTask<string?> ReadCheckpointAsync(string queue, CancellationToken cancellationToken) =>
        await FindAsync(queue, cancellationToken) is { } entry ? await AskAsync(() => _reader.CheckpointAsync(entry.Id, cancellationToken)) : null;

    /// <inheritdoc/>
    public async ValueTask<LeasedMessage?> LeaseAsync(string queue, TimeSpan visibility, TimeSpan wait, CancellationToken cancellationToken)
    {
        StoreInput.CheckVisibility(visibility);
        StoreInput.CheckWait(wait);
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        cancellationToken.ThrowIfCancellationRequested();
        var entry = await GetAsync(queue, cancellationToken);
        return entry.Retired is null ? await _lines.Of(entry.Id).TakeAsync(visibility, wait < MaxWait ? wait : MaxWait, cancellationToken) : null;
    }

    /// <inheritdoc/>
    /// <remarks>Nothing is written: a process that lives has its leases for as long as it says so to itself.</remarks>
    public ValueTask ExtendAsync(IReadOnlyList<Lease> leases, TimeSpan visibility, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(leases);
        StoreInput.CheckVisibility(visibility);
        foreach (var lease in leases)
        {
            _held.Extend(lease, visibility);
        }

        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask<bool> CompleteAsync(Lease lease, Body result, CancellationToken cancellationToken)
    {
        StoreInput.Check(result, _options.InlineLimit);
        return new(EndAsync(lease, held => Finish(lease, held, MessageStatus.Completed, result, null)).WaitAsync(cancellationToken));
    }

    /// <inheritdoc/>
    public ValueTask<bool> FailAsync(Lease lease, Attempt attempt, TimeSpan? retryAfter, Body? answer, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(attempt);
        StoreInput.CheckDelay(retryAfter ?? TimeSpan.Zero);
        StoreInput.Check(answer ?? default, _options.InlineLimit);
        return new(EndAsync(lease, held => retryAfter is { } delay
            ? Defer(lease, attempt, delay, isLost: false)
            : Finish(lease, held, MessageStatus.Failed, answer ?? default, attempt)).WaitAsync(cancellationToken));
    }

    /// <inheritdoc/>
    public ValueTask<bool> LoseAsync(Lease lease, Attempt attempt, TimeSpan delay, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(attempt);
        StoreInput.CheckDelay(delay);
        return new(EndAsync(lease, _ => Defer(lease, attempt, delay, isLost: true)).WaitAsync(cancellationToken));
    }

    /// <inheritdoc/>
    public async ValueTask ReleaseAsync(Lease lease, CancellationToken cancellationToken)
    {
        if (_held.Find(lease) is { } held)
        {
            await EndAsync(lease, _ => new ReleaseOperation(held.Queue, lease)).WaitAsync(cancellationToken);
        }
    }

    /// <inheritdoc/>
    public async ValueTask<ChangeOutcome> CancelAsync(string queue, MessageId id, CancellationToken cancellationToken)
    {
        var entry = await GetAsync(queue, cancellationToken);
        var operation = new FinishOperation { Id = id, Queue = entry.Id, Token = 0, Status = MessageStatus.Cancelled, FollowUp = NewId() };
        _writer.Post(operation);
        return await operation.Task.WaitAsync(cancellationToken)
            ? new ChangeOutcome(true, MessageStatus.Cancelled)
            : new ChangeOutcome(false, (await GetAsync(queue, id, cancellationToken))?.Status);
    }

    /// <inheritdoc/>
    public async ValueTask<ChangeOutcome> RetryAsync(string queue, MessageId id, CancellationToken cancellationToken)
    {
        var entry = await GetInUseAsync(queue, cancellationToken);
        var operation = new RestoreOperation(entry.Id, id);
        _writer.Post(operation);
        return await operation.Task.WaitAsync(cancellationToken)
            ? new ChangeOutcome(true, MessageStatus.Waiting)
            : new ChangeOutcome(false, (await GetAsync(queue, id, cancellationToken))?.Status);
    }

    /// <inheritdoc/>
    public async ValueTask<MessageRecord?> GetAsync(string queue, MessageId id, CancellationToken cancellationToken) =>
        await FindAsync(queue, cancellationToken) is { } entry
            ? await AskAsync(() => _reader.FindAsync(entry.Id, id, token => _held.WaitingToken(id.Sequence) == token, cancellationToken))
            : null;

    /// <inheritdoc/>
    public ValueTask<MessageRecord?> WaitAsync(string queue, MessageId id, TimeSpan wait, CancellationToken cancellationToken) =>
        _waiters.WaitAsync(id.Sequence, wait, () => GetAsync(queue, id, cancellationToken), cancellationToken);

    /// <inheritdoc/>
    public async ValueTask<MessagePage> ListAsync(string queue, MessageQuery query, CancellationToken cancellationToken)
    {
        StoreInput.Check(query);
        return await FindAsync(queue, cancellationToken) is { } entry
            ? await AskAsync(() => _reader.ListAsync(entry.Id, query, [.. _held.WaitingTokens()], cancellationToken))
            : new MessagePage([], null);
    }

    /// <inheritdoc/>
    public async ValueTask<QueueCounts> CountAsync(string queue, CancellationToken cancellationToken) => (await CountAsync([queue], cancellationToken))[0];

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<QueueCounts>> CountAsync(IReadOnlyList<string> queues, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(queues);
        var ids = new List<int?>(queues.Count);
        foreach (var queue in queues)
        {
            ids.Add((await FindAsync(queue, cancellationToken))?.Id);
        }

        var counted = await AskAsync(async () =>
        {
            await SettleAsync();
            return await _counts.ReadAsync(() => [.. _held.WaitingTokens()], cancellationToken);
        });
        return [.. ids.Select(id => Counts(id is { } known ? counted.GetValueOrDefault(known) : default))];
    }

    /// <inheritdoc/>
    public async ValueTask<QueueTotals> TotalAsync(string queue, CancellationToken cancellationToken) =>
        await FindAsync(queue, cancellationToken) is { } entry ? await AskAsync(() => _reader.TotalAsync(entry.Id, cancellationToken)) : default;

    /// <summary>Sends away who waits, writes what was accepted, gives back what is leased here and signs off.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        await _expiryTimer.DisposeAsync();
        await _orphans.DisposeAsync();
        await _expired.DisposeAsync();
        await _vacuum.DisposeAsync();
        await _lines.CloseAllAsync();
        await _promoter.DisposeAsync();
        await _writer.DisposeAsync();
        await _notifier.DisposeAsync();
        await _session.DisposeAsync();
        _waiters.Close();
        await _blobRemover.DisposeAsync();
        _bulk.Dispose();
        _counts.Dispose();
        await _database.DisposeAsync();
    }

    void ISessionListener.OnNotice(Notice notice)
    {
        foreach (var queue in notice.Work)
        {
            _lines.Signal(queue);
        }

        foreach (var sequence in notice.Finished)
        {
            _waiters.Signal(sequence);
        }

        foreach (var sequence in notice.Revoked)
        {
            _held.Revoke(sequence);
        }
    }

    void ISessionListener.OnOthers(int count) => _notifier.HasListeners = count > 0;

    async Task ISessionListener.OnLookAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        foreach (var (id, isGone) in await _queues.RefreshAsync(connection, cancellationToken))
        {
            OnQueueEnded(id, isGone);
        }

        var looks = new Looks(connection);
        foreach (var queue in await looks.WithWorkAsync(_lines.WaitedFor(), cancellationToken))
        {
            _lines.Signal(queue);
        }

        if (_notifier.HasListeners)
        {
            foreach (var sequence in await looks.EndedAsync(_waiters.Sequences(), cancellationToken))
            {
                _waiters.Signal(sequence);
            }

            foreach (var sequence in await looks.EndedAsync(_held.Sequences(), cancellationToken))
            {
                _held.Revoke(sequence);
            }

            await _ids.RenewAsync(await looks.NewestBlockAsync(cancellationToken), cancellationToken);
        }
    }

    void ISessionListener.Release(IReadOnlyList<ReleaseOperation> leases)
    {
        foreach (var lease in leases)
        {
            Post(lease);
        }
    }

    /// <summary>Removes blobs that belong to no message. Returns how many.</summary>
    internal Task<int> SweepOrphansAsync(CancellationToken cancellationToken) => _orphans.SweepAsync(cancellationToken);

    private static async Task<TimeSpan> OffsetAsync(NpgsqlConnection connection, TimeProvider time)
    {
        await using var command = new NpgsqlCommand("select (extract(epoch from clock_timestamp()) * 1000000)::bigint", connection);
        var now = (long)(await command.ExecuteScalarAsync(CancellationToken.None))!;
        return StoreClock.ToTime(now) - time.GetUtcNow();
    }

    private static InvalidOperationException NotInUse(string queue) => new($"Queue {queue} is not in use: it was never configured, or it was retired or deleted.");

    private async ValueTask<EnqueueOperation> PrepareAsync(NewMessage message, CancellationToken cancellationToken)
    {
        var queue = await GetInUseAsync(message.Queue, cancellationToken);
        var followUp = message.FollowUpQueue is null ? 0 : (await GetInUseAsync(message.FollowUpQueue, cancellationToken)).Id;
        return new EnqueueOperation(message, queue.Id, followUp, _clock.DueAfter(message.Delay));
    }

    private FinishOperation Finish(Lease lease, HeldLease? held, MessageStatus status, Body result, Attempt? attempt) => new()
    {
        Id = lease.Id,
        Queue = held?.Queue ?? 0,
        Token = lease.Token,
        Status = status,
        Result = result,
        Attempt = attempt is null ? null : AttemptCodec.Append([], attempt, 1),
        FollowUp = held is null or { HasFollowUp: true } ? NewId() : null,
    };

    private DeferOperation Defer(Lease lease, Attempt attempt, TimeSpan delay, bool isLost) => new()
    {
        Lease = lease,
        Due = _clock.DueAfter(delay),
        IsLost = isLost,
        Attempt = AttemptCodec.Append([], attempt, 1),
    };

    private async Task<bool> EndAsync(Lease lease, Func<HeldLease?, Operation<bool>> operation)
    {
        // It must not expire while its end is being written.
        var held = _held.Suspend(lease);
        try
        {
            var end = operation(held);
            _writer.Post(end);
            var done = await end.Task;
            if (held is not null)
            {
                _held.Remove(held);
            }

            return done;
        }
        catch
        {
            if (held is not null)
            {
                _held.Resume(held);
            }

            throw;
        }
    }

    private void OnCommitted(BatchEffect effect)
    {
        foreach (var queue in effect.Work)
        {
            _lines.Signal(queue);
        }

        foreach (var sequence in effect.Finished)
        {
            _waiters.Signal(sequence);
        }

        foreach (var sequence in effect.Revoked)
        {
            _held.Revoke(sequence);
        }

        if (effect.FirstDue != 0)
        {
            _promoter.Expect(effect.FirstDue);
        }

        effect.Blobs.ForEach(_blobRemover.Remove);
        _vacuum.Count(effect.Done.Count, effect.Finished.Count);
        _notifier.Send(effect.Work, effect.Finished, effect.Revoked);
    }

    private void OnInLine(int queue)
    {
        _lines.Signal(queue);
        _notifier.Send([queue], [], []);
    }

    private void OnQueueEnded(int queue, bool isGone)
    {
        _lines.Close(queue);
        if (isGone)
        {
            _held.RevokeQueue(queue);
        }
    }

    private void Expire()
    {
        foreach (var held in _held.Expire())
        {
            Post(new ReleaseOperation(held.Queue, held.Lease));
        }
    }

    private void Post(ReleaseOperation operation)
    {
        try
        {
            _writer.Post(operation);
            _givingBack.TryAdd(operation.Task, true);
            _ = operation.Task.ContinueWith(OnGivenBack, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
        catch (IOException)
        {
            // Given back when what is held is next compared with the database.
            _owner.IsOutOfStep = true;
        }
    }

    private void OnGivenBack(Task operation)
    {
        _givingBack.TryRemove(operation, out _);
        _owner.IsOutOfStep |= operation.IsFaulted;
    }

    /// <summary>Has everything that time alone makes available put into line.</summary>
    private async Task SettleAsync()
    {
        await _promoter.SettleAsync();
        if (!_givingBack.IsEmpty)
        {
            await Task.WhenAll(_givingBack.Keys).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static QueueCounts Counts(Counted counted)
    {
        var waiting = Math.Max(0, counted.InLine - counted.Leased);
        return new QueueCounts(waiting, counted.Delayed, counted.Leased, waiting > 0 ? counted.OldestWaiting : null);
    }

    private async ValueTask<QueueEntry> GetInUseAsync(string queue, CancellationToken cancellationToken) =>
        await FindAsync(queue, cancellationToken) is { Retired: null } entry ? entry : throw NotInUse(queue);

    private async ValueTask<QueueEntry> GetAsync(string queue, CancellationToken cancellationToken) =>
        await FindAsync(queue, cancellationToken) ?? throw NotInUse(queue);

    private async ValueTask<QueueEntry?> FindAsync(string queue, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        if (_queues.TryFind(queue) is { } known)
        {
            return known;
        }

        return await AskAsync(() => _queues.FindAsync(queue, cancellationToken));
    }

    private async ValueTask<bool> OwnsBlobAsync(string name, MessageId id, CancellationToken cancellationToken) =>
        await AskAsync(() => _reader.OwnsBlobAsync(name, id, cancellationToken));

    private async Task<T> AskAsync<T>(Func<Task<T>> ask)
    {
        try
        {
            return await ask().OnPoolAsync();   // who asked may go on with something that blocks
        }
        catch (Exception e) when (Database.IsDatabaseError(e))
        {
            throw _database.Translate(e);
        }
    }
}
