using Cortex.Queues.Sqlite.Native;
using Cortex.Queues.Sqlite.Operations;
using Microsoft.Extensions.Logging;

namespace Cortex.Queues.Sqlite;

/// <summary>
/// The one writer: a thread that takes everything that waits, commits it as one transaction, makes it visible in memory
/// and only then tells the callers.
/// </summary>
internal sealed class GroupWriter
{
    private readonly Database _database;
    private readonly WriteContext _context;
    private readonly Intake _intake;
    private readonly DiskReserve _reserve;
    private readonly IntegrityCheck _check;
    private readonly ExpiredRemover _expired;
    private readonly CommitMeter _meter;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly string _path;
    private readonly Statement _begin;
    private readonly Statement _commit;
    private readonly Statement _rollback;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _sweepDue;
    private bool _notesTime;

    public GroupWriter(Database database, WriteContext context, Intake intake, DiskReserve reserve, IntegrityCheck check, CommitMeter meter, TimeProvider time, string path, ILogger logger)
    {
        _database = database;
        _context = context;
        _intake = intake;
        _reserve = reserve;
        _check = check;
        _expired = context.Expired;
        _meter = meter;
        _time = time;
        _path = path;
        _logger = logger;
        _begin = database.Prepare("BEGIN IMMEDIATE");
        _commit = database.Prepare("COMMIT");
        _rollback = database.Prepare("ROLLBACK");
    }

    /// <summary>Completes when the intake is closed and everything in it is written.</summary>
    public Task Ended => _ended.Task;

    public void Start() => new Thread(Run) { IsBackground = true, Name = "queue writer" }.Start();

    /// <summary>Has expired messages removed. From any thread.</summary>
    public void Sweep()
    {
        Volatile.Write(ref _sweepDue, 1);
        _intake.WakeForBackground();
    }

    private void Run()
    {
        var group = new List<Operation>();
        while (_intake.Take(group, _expired.HasWork))
        {
            if (Interlocked.Exchange(ref _sweepDue, 0) == 1)
            {
                _notesTime = true;   // with the next commit: a server that does nothing leaves the disk alone
                _expired.Sweep(_context.Queues.All);
            }

            if (_expired.HasWork)
            {
                group.Add(new SweepOperation(_expired, group.Count == 0 ? ExpiredRemover.RowsAlone : ExpiredRemover.RowsBeside, exception => _logger.SweepFailed(exception, _path)));
            }

            Write(group);
            group.Clear();
        }

        _ended.SetResult();
    }

    // Until the group is committed or everything in it has failed. Each turn but the last leaves less in it.
    private void Write(List<Operation> group)
    {
        if (_check.Damage is { } damage)
        {
            FailAll(group, new StoreUnavailableException(damage));
            return;
        }

        if (_reserve.IsReleased && group.Exists(o => o.Grows) && !_reserve.TryRestore())
        {
            FailGrowing(group, Full(null));
        }

        while (group.Count > 0)
        {
            try
            {
                if (TryCommit(group))
                {
                    return;
                }
            }
            catch (SqliteError error) when (IsFull(error))
            {
                _meter.AddFull();
                var released = _reserve.Release();
                if (!FailGrowing(group, Full(error)) && !released)
                {
                    FailAll(group, Full(error));
                }
            }
            catch (SqliteError error)
            {
                _check.Report(error);
                _logger.WriteFailed(error, _path);
                FailAll(group, new StoreUnavailableException(_check.Damage ?? $"Can't write {_path}: {error.Message}", error));
            }
        }
    }

    // False when an operation failed by its own fault: it is out of the group, and nothing was written.
    private bool TryCommit(List<Operation> group)
    {
        var started = _time.GetTimestamp();
        _context.BeginRound();
        _begin.Run();
        Operation? current = null;
        try
        {
            foreach (var operation in group)
            {
                current = operation;
                operation.Execute(_context);
            }

            current = null;
            var reserve = _context.Ids.Reserve();
            if (reserve is { } next)
            {
                _context.Statements.Reserve(next);
            }

            if (_notesTime)
            {
                _context.Statements.NoteTime(_context.StampNow);
            }

            _commit.Run();
            _context.Ids.Reserved = reserve ?? _context.Ids.Reserved;
            _notesTime = false;
        }
        catch (Exception exception)
        {
            Rollback();
            if (current is null || exception is SqliteError { IsConstraint: false })
            {
                throw;
            }

            group.Remove(current);
            current.Fail(exception is SqliteError error ? new InvalidOperationException($"The store refused the operation: {error.Message}", error) : exception);
            return false;
        }

        _meter.Add(group.Count, _time.GetElapsedTime(started));
        foreach (var operation in group)
        {
            operation.Apply(_context);
        }

        foreach (var operation in group)
        {
            operation.Succeed();
        }

        return true;
    }

    private void Rollback()
    {
        if (_database.InTransaction)   // SQLite may have rolled back by itself
        {
            _rollback.Run();
        }
    }

    private static bool FailGrowing(List<Operation> group, Exception exception)
    {
        foreach (var operation in group)
        {
            if (operation.Grows)
            {
                operation.Fail(exception);
            }
        }

        return group.RemoveAll(o => o.Grows) > 0;
    }

    private static void FailAll(List<Operation> group, Exception exception)
    {
        group.ForEach(o => o.Fail(exception));
        group.Clear();
    }

    // Quotas and the shared memory file show as I/O errors.
    private bool IsFull(SqliteError error) => error.IsFull || (error.IsIO && _reserve.FreeBytes() < 1024 * 1024);

    private StoreFullException Full(Exception? error) => new($"There is no room to write {_path}: make room on the disk.", error);
}
