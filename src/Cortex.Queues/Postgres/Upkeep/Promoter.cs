using Cortex.Background;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Cortex.Queues.Postgres.Upkeep;

/// <summary>Puts delayed messages into line when they are due.</summary>
internal sealed class Promoter : IAsyncDisposable
{
    private const int Chunk = 1000;

    private const string Sql = """
        with due as materialized (
            select m.seq from messages m where m.state = 1 and m.due <= $1 order by m.due limit $2 for update skip locked)
        update messages m set state = 0 from due d where m.seq = d.seq returning m.queue
        """;

    private readonly Bell _bell = new();
    private readonly SemaphoreSlim _turn = new(1);
    private readonly Lock _lock = new();
    private readonly Database _database;
    private readonly StoreClock _clock;
    private readonly TimeSpan _poll;
    private readonly Action<int> _inLine;
    private readonly ILogger _logger;
    private readonly BackgroundWork _background;
    private readonly ITimer _timer;
    private long _next;
    private bool _isPromoting;

    // poll: how often to look for what other processes delayed. inLine: told of a queue that has work.
    public Promoter(Database database, StoreClock clock, TimeSpan poll, Action<int> inLine, ILogger logger)
    {
        _database = database;
        _clock = clock;
        _poll = poll;
        _inLine = inLine;
        _logger = logger;
        _timer = clock.Time.CreateTimer(_ => _bell.Ring(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _background = new BackgroundWork(logger, clock.Time);
        _background.StartLoop("the promoter of delayed messages", WorkAsync);
    }

    /// <summary>Something is due at this time.</summary>
    public void Expect(long due)
    {
        lock (_lock)
        {
            if (_next == 0 || due < _next)
            {
                _next = due;
                _timer.Change(In(due), Timeout.InfiniteTimeSpan);
            }
        }
    }

    /// <summary>Has what is due by now put into line, so that it is considered at the next claim.</summary>
    public Task SettleAsync() => IsDue() ? PromoteAsync() : Task.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await _timer.DisposeAsync();
        await _background.DisposeAsync();
        _turn.Dispose();
    }

    private TimeSpan In(long due)
    {
        var microseconds = Math.Clamp(due - _clock.Steady, 0, StoreClock.ToMicroseconds(TimeSpan.FromDays(1)));
        return TimeSpan.FromTicks(microseconds * TimeSpan.TicksPerMicrosecond);
    }

    private async Task WorkAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                await PromoteAsync();
            }
            catch (Exception e) when (e is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
            {
                _logger.UpkeepFailed(e, _database.Name);
            }

            await _bell.WaitAsync(_poll, TimeProvider.System, cancellationToken);
        }
    }

    private bool IsDue()
    {
        lock (_lock)
        {
            return _isPromoting || (_next != 0 && _next <= _clock.Steady);
        }
    }

    private void Begin(bool isPromoting)
    {
        lock (_lock)
        {
            _isPromoting = isPromoting;
            _next = isPromoting ? 0 : _next;
        }
    }

    private async Task PromoteAsync()
    {
        await _turn.WaitAsync(_background.Stopping);
        try
        {
            Begin(isPromoting: true);
            await PromoteAllAsync();
        }
        finally
        {
            Begin(isPromoting: false);
            _turn.Release();
        }
    }

    private async Task PromoteAllAsync()
    {
        await using var connection = await _database.OpenAsync(_background.Stopping);
        int count;
        do
        {
            var queues = new HashSet<int>();
            count = 0;
            await using (var command = new NpgsqlCommand(Sql, connection).Add(_clock.Steady).Add((long)Chunk))
            await using (var row = await command.ExecuteReaderAsync(_background.Stopping))
            {
                while (await row.ReadAsync(_background.Stopping))
                {
                    queues.Add(row.GetInt32(0));
                    count++;
                }
            }

            foreach (var queue in queues)
            {
                _inLine(queue);
            }
        }
        while (count == Chunk);

        await using var ask = new NpgsqlCommand("select due from messages where state = 1 order by due limit 1", connection);
        if (await ask.ExecuteScalarAsync(_background.Stopping) is long next)
        {
            Expect(next);
        }
    }
}
