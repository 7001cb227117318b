using Cortex.Queues.Sqlite.Native;
using Microsoft.Extensions.Logging;

namespace Cortex.Queues.Sqlite;

/// <summary>
/// Looks for broken pages: a small file is read whole before the store opens, a larger one beside its work. What is found, also by any statement later, is remembered
/// until the next start.
/// </summary>
/// <remarks>
/// While it reads a table the write-ahead log can't begin anew, so the check gives up on a log that has become long, and after a bounded time.
/// </remarks>
internal sealed class IntegrityCheck(string path, ILogger logger) : IDisposable
{
    /// <summary>A file up to so many bytes is checked before the store opens: some milliseconds.</summary>
    internal const long SmallFile = 4 * 1024 * 1024;

    private const long LongLog = 256 * 1024 * 1024;
    private const int StepsBetweenLooks = 10_000;
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(10);

    // What a start and every request read comes first.
    private static readonly string[] Tables = ["meta", "cluster", "queues", "messages", "idempotency", "attempts", "answers", "results"];

    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile string? _damage;
    private volatile bool _stop;

    /// <summary>What is broken; null while nothing is known to be.</summary>
    public string? Damage => _damage;

    /// <summary>Completes when the check is over.</summary>
    public Task Ended => _ended.Task;

    /// <summary>Checks a small file now, a larger one on a thread of its own.</summary>
    public void Start(TimeProvider time)
    {
        if (new FileInfo(path).Length <= SmallFile)
        {
            Run(time);
        }
        else
        {
            new Thread(() => Run(time)) { IsBackground = true, Name = "queue check", Priority = ThreadPriority.BelowNormal }.Start();
        }
    }

    /// <summary>Some statement found the file broken.</summary>
    public void Report(SqliteError error)
    {
        if (error.IsCorrupt)
        {
            Note(error.Message);
        }
    }

    /// <exception cref="StoreUnavailableException">The file is known to be broken.</exception>
    public void ThrowIfDamaged()
    {
        if (_damage is { } damage)
        {
            throw new StoreUnavailableException(damage);
        }
    }

    /// <summary>Ends a check that is under way, and waits for that.</summary>
    public void Dispose()
    {
        _stop = true;
        _ended.Task.Wait();
    }

    private void Run(TimeProvider time)
    {
        var began = time.GetTimestamp();
        try
        {
            using var database = new Database(path, readOnly: true);
            database.InterruptWhen(() => _stop || time.GetElapsedTime(began) > Longest || LogIsLong(), StepsBetweenLooks);
            foreach (var table in Tables)
            {
                using var rows = database.Query($"PRAGMA quick_check({table})");
                while (rows.Step())
                {
                    if (rows.Text(0) is { } found and not "ok")
                    {
                        Note($"table {table}: {found.ReplaceLineEndings("; ")}");
                        return;
                    }
                }
            }
        }
        catch (SqliteError error) when (error.IsCorrupt)
        {
            Note(error.Message);
        }
        catch (SqliteError error)
        {
            // Asked to stop, out of time, or there is no memory or file: the store does without.
            if (!_stop)
            {
                logger.NotChecked(path, error.Message);
            }
        }
        finally
        {
            _ended.SetResult();
        }
    }

    private bool LogIsLong()
    {
        var log = new FileInfo(path + "-wal");
        return log.Exists && log.Length > LongLog;
    }

    private void Note(string found)
    {
        if (_damage is null)
        {
            _damage = $"{path} is damaged ({found}): nothing more is written to it. Stop the server, then restore the file, mend it with `sqlite3 {path} .recover`, or move it away to begin with empty queues";
            logger.Damaged(path, found);
        }
    }
}
