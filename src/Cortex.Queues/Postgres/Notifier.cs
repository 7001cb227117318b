using Cortex.Background;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Cortex.Queues.Postgres;

/// <summary>
/// Tells other processes what changed, right behind the commit and on a connection of its own: PostgreSQL lets transactions
/// that notify commit only one after the other, disk included. What has come together goes out at once. A notice that is lost is
/// made up for by the others' polling.
/// </summary>
internal sealed class Notifier : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly Bell _bell = new();
    private readonly Database _database;
    private readonly Owner _owner;
    private readonly bool _isOn;
    private readonly ILogger _logger;
    private readonly BackgroundWork _background;
    private HashSet<int> _queues = [];
    private List<long> _finished = [];
    private List<long> _revoked = [];
    private bool _queuesChanged;

    public Notifier(Database database, Owner owner, bool isOn, ILogger logger)
    {
        _database = database;
        _owner = owner;
        _isOn = isOn;
        _logger = logger;
        _background = new BackgroundWork(logger, TimeProvider.System);
        _background.StartLoop("the notices to other processes", WorkAsync);
    }

    /// <summary>Whether other processes share the database; nothing is sent while none does.</summary>
    public bool HasListeners { get; set; }

    public void Send(IEnumerable<int> work, IEnumerable<long> finished, IEnumerable<long> revoked, bool queuesChanged = false)
    {
        if (!_isOn || !HasListeners)
        {
            return;
        }

        lock (_lock)
        {
            _queues.UnionWith(work);
            _finished.AddRange(finished);
            _revoked.AddRange(revoked);
            _queuesChanged |= queuesChanged;
        }

        _bell.Ring();
    }

    public async ValueTask DisposeAsync()
    {
        await _background.DisposeAsync();
    }

    private async Task WorkAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            await _bell.WaitAsync(cancellationToken);
            try
            {
                foreach (var text in Take().Format())
                {
                    await using var connection = await _database.OpenRelaxedAsync(cancellationToken);
                    await using var command = new NpgsqlCommand("select pg_notify($1, $2)", connection).Add(Session.ChannelOf(_database.Schema)).Add(text);
                    await command.ExecuteNonQueryAsync(cancellationToken);
                }
            }
            catch (Exception e) when (e is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
            {
                _logger.NoticeLost(e, _database.Name);
            }
        }
    }

    private Notice Take()
    {
        lock (_lock)
        {
            var notice = new Notice(_owner.Id, _queues, _finished, _revoked, _queuesChanged);
            (_queues, _finished, _revoked, _queuesChanged) = ([], [], [], false);
            return notice;
        }
    }
}
