using Cortex.Queues.Sqlite.Live;
using Cortex.Queues.Sqlite.Native;

namespace Cortex.Queues.Sqlite;

/// <summary>A connection that reads. For one thread at a time; every call ends its statement, so that no snapshot stays open.</summary>
internal sealed class ReadStatements : IDisposable
{
    private const string Columns = "sequence, priority, status, secret, enqueued_at, not_before, finished_at, failed, lost, follow_up_sequence, follow_up_secret";
    private const string ResultColumns = "key, priority, 2, secret, enqueued_at, NULL, finished_at, failed, lost, follow_up_sequence, follow_up_secret";

    private readonly Database _database;
    private readonly Statement _message;
    private readonly Statement _result;
    private readonly Statement _attempts;
    private readonly Statement _enqueuedAt;
    private readonly Statement _checkpoint;
    private readonly Statement _listLive;
    private readonly Statement _listFinal;
    private readonly Statement _listResults;
    private readonly Statement _total;
    private readonly Statement _payloadBlob;
    private readonly Statement _resultBlob;
    private readonly Statement _answer;
    private readonly SteadyClock _clock;

    public ReadStatements(string path, SteadyClock clock)
    {
        _clock = clock;
        _database = new Database(path, readOnly: true);
        Schema.OpenReader(_database);
        _message = _database.Prepare($"SELECT {Columns}, queue, head, payload_blob, payload_length, payload FROM messages WHERE sequence = ?1");
        _result = _database.Prepare($"SELECT {ResultColumns}, result_blob, result_length, result FROM results WHERE key = ?1");
        _attempts = _database.Prepare("SELECT data FROM attempts WHERE sequence = ?1");
        _enqueuedAt = _database.Prepare("SELECT enqueued_at FROM messages WHERE sequence = ?1");
        _checkpoint = _database.Prepare("SELECT checkpoint FROM queues WHERE number = ?1");
        _listLive = _database.Prepare(
            $"SELECT {Columns} FROM messages INDEXED BY messages_live WHERE status = 0 AND queue = ?1 AND priority = ?2 AND sequence < ?3 ORDER BY sequence DESC LIMIT ?4");
        _listFinal = _database.Prepare(
            $"SELECT {Columns} FROM messages INDEXED BY messages_final WHERE status <> 0 AND queue = ?1 AND status = ?2 AND sequence < ?3 ORDER BY sequence DESC LIMIT ?4");
        _listResults = _database.Prepare($"SELECT {ResultColumns} FROM results WHERE key > ?1 AND key < ?2 ORDER BY key DESC LIMIT ?3");
        _total = _database.Prepare("""
            SELECT (SELECT count(*) FROM messages INDEXED BY messages_live WHERE status = 0 AND queue = ?1),
                (SELECT count(*) FROM messages INDEXED BY messages_final WHERE status <> 0 AND status = 3 AND queue = ?1)
            """);
        _payloadBlob = _database.Prepare("SELECT payload_blob FROM messages WHERE sequence = ?1");
        _resultBlob = _database.Prepare("SELECT result_blob FROM results WHERE key = ?1");
        _answer = _database.Prepare("SELECT blob, length, data FROM answers WHERE sequence = ?1");
    }

    /// <summary>The message in whatever state; null when there is none of this id in this queue.</summary>
    public MessageRecord? Find(int queue, MessageId id)
    {
        var record = FindMessage(queue, id.Sequence) ?? FindResult(queue, id.Sequence);
        if (record is null || record.Id.Secret != id.Secret)
        {
            return null;
        }

        return record with { Attempts = FindAttempts(id.Sequence), Answer = record.Status == MessageStatus.Failed ? FindAnswer(id.Sequence) : null };
    }

    /// <summary>A message that is not completed.</summary>
    public MessageRecord? FindMessage(int queue, long sequence)
    {
        if (!_message.Bind(1, sequence).Step())
        {
            return null;
        }

        try
        {
            return _message.Int(11) != queue ? null : Record(_message) with
            {
                Head = _message.Bytes(12),
                Payload = BodyAt(_message, 13),
            };
        }
        finally
        {
            _message.Reset();
        }
    }

    /// <summary>When a message that is not completed was put in, in milliseconds of Unix time.</summary>
    public long? EnqueuedAt(long sequence)
    {
        if (!_enqueuedAt.Bind(1, sequence).Step())
        {
            return null;
        }

        var at = _enqueuedAt.Long(0);
        _enqueuedAt.Reset();
        return at;
    }

    public string? Checkpoint(int queue)
    {
        if (!_checkpoint.Bind(1, queue).Step())
        {
            return null;
        }

        var text = _checkpoint.Text(0);
        _checkpoint.Reset();
        return text;
    }

    /// <summary>How many messages of a queue there are.</summary>
    public QueueTotals Total(int queue)
    {
        _total.Bind(1, queue).Step();
        var totals = new QueueTotals(_total.Long(0), _total.Long(1));
        _total.Reset();
        return totals;
    }

    /// <summary>Messages of a queue that are not final, newest first; from those before <paramref name="before"/>.</summary>
    public void ListLive(int queue, long before, int limit, List<MessageRecord> list)
    {
        for (var priority = 0; priority <= StoreInput.MaxPriority; priority++)
        {
            Rows(_listLive.Bind(1, queue).Bind(2, priority).Bind(3, before).Bind(4, limit), list);
        }
    }

    /// <summary>As <see cref="ListLive"/>, for failed or cancelled ones.</summary>
    public void ListFinal(int queue, MessageStatus status, long before, int limit, List<MessageRecord> list) =>
        Rows(_listFinal.Bind(1, queue).Bind(2, (int)status).Bind(3, before).Bind(4, limit), list);

    /// <summary>As <see cref="ListLive"/>, for completed ones.</summary>
    public void ListResults(int queue, long before, int limit, List<MessageRecord> list) =>
        Rows(_listResults.Bind(1, Schema.ResultKey(queue, 0)).Bind(2, Schema.ResultKey(queue, Math.Min(before, (1L << Schema.SequenceBits) - 1))).Bind(3, limit), list);

    /// <summary>Whether a message or one of these queues' results refers to a blob.</summary>
    public bool Owns(string blob, long sequence, IEnumerable<QueueState> queues) =>
        Refers(_payloadBlob.Bind(1, sequence), blob) || Refers(_answer.Bind(1, sequence), blob) || queues.Any(q => Refers(_resultBlob.Bind(1, Schema.ResultKey(q.Number, sequence)), blob));

    public void Dispose() => _database.Dispose();

    private MessageRecord? FindResult(int queue, long sequence)
    {
        if (!_result.Bind(1, Schema.ResultKey(queue, sequence)).Step())
        {
            return null;
        }

        try
        {
            return Record(_result) with { Result = BodyAt(_result, 11) };
        }
        finally
        {
            _result.Reset();
        }
    }

    private IReadOnlyList<Attempt> FindAttempts(long sequence)
    {
        if (!_attempts.Bind(1, sequence).Step())
        {
            return [];
        }

        var bytes = _attempts.Bytes(0);
        _attempts.Reset();
        return AttemptCodec.Decode(bytes);
    }

    private Body? FindAnswer(long sequence)
    {
        if (!_answer.Bind(1, sequence).Step())
        {
            return null;
        }

        var answer = BodyAt(_answer, 0);
        _answer.Reset();
        return answer;
    }

    private void Rows(Statement statement, List<MessageRecord> list)
    {
        while (statement.Step())
        {
            list.Add(Record(statement));
        }
    }

    private static bool Refers(Statement statement, string blob)
    {
        if (!statement.Step())
        {
            return false;
        }

        var name = statement.Text(0);
        statement.Reset();
        return name == blob;
    }

    private MessageRecord Record(Statement row)
    {
        var followUp = row.NullableLong(9);
        return new MessageRecord
        {
            Id = new MessageId(Schema.SequenceOf(row.Long(0)), row.Long(3)),
            Priority = row.Int(1),
            Status = (MessageStatus)row.Int(2),
            EnqueuedAt = _clock.Show(row.Long(4)),
            NotBefore = row.NullableLong(5) is { } notBefore ? _clock.Show(notBefore) : null,
            FinishedAt = row.NullableLong(6) is { } finished ? _clock.Show(finished) : null,
            FailedAttempts = row.Int(7),
            LostAttempts = row.Int(8),
            FollowUp = followUp is { } sequence ? new MessageId(sequence, row.Long(10)) : null,
        };
    }

    private static Body BodyAt(Statement row, int blob) =>
        row.Text(blob) is { } name ? Body.InBlob(name, row.Long(blob + 1)) : Body.Of(row.Bytes(blob + 2));
}
