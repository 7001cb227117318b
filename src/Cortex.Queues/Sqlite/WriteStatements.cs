using Cortex.Queues.Sqlite.Native;

namespace Cortex.Queues.Sqlite;

/// <summary>What is known of a stored message to whoever changes it.</summary>
internal readonly record struct StoredMessage(
    int Queue, int Priority, int Status, long Secret, long EnqueuedAt, int Failed, int Lost, long EndedToken, string? FollowUpQueue, string? PayloadBlob);

/// <summary>The statements of the connection that writes. Of the writer's thread, inside its transaction.</summary>
internal sealed class WriteStatements(Database database)
{
    private readonly Statement _insert = database.Prepare("""
        INSERT INTO messages(sequence, queue, priority, status, secret, enqueued_at, not_before, failed, lost, ended_token, follow_up_queue, payload_blob, payload_length, head, payload)
        VALUES(?1, ?2, ?3, 0, ?4, ?5, ?6, 0, 0, 0, ?7, ?8, ?9, ?10, ?11)
        """);

    private readonly Statement _select = database.Prepare(
        "SELECT queue, priority, status, secret, enqueued_at, failed, lost, ended_token, follow_up_queue, payload_blob FROM messages WHERE sequence = ?1");

    private readonly Statement _selectHead = database.Prepare("SELECT head FROM messages WHERE sequence = ?1");
    private readonly Statement _delete = database.Prepare("DELETE FROM messages WHERE sequence = ?1");

    private readonly Statement _insertResult = database.Prepare("""
        INSERT INTO results(key, queue, priority, secret, enqueued_at, finished_at, failed, lost, follow_up_sequence, follow_up_secret, result_blob, result_length, result)
        VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
        """);

    private readonly Statement _selectResultSecret = database.Prepare("SELECT secret FROM results WHERE key = ?1");

    private readonly Statement _finish = database.Prepare("""
        UPDATE messages SET status = ?2, finished_at = ?3, failed = ?4, ended_token = ?5, not_before = NULL, follow_up_sequence = ?6, follow_up_secret = ?7 WHERE sequence = ?1
        """);

    private readonly Statement _putBack = database.Prepare(
        "UPDATE messages SET failed = ?2, lost = ?3, ended_token = ?4, not_before = ?5 WHERE sequence = ?1");

    private readonly Statement _retry = database.Prepare("""
        UPDATE messages SET status = 0, finished_at = NULL, not_before = NULL, failed = 0, lost = 0 WHERE sequence = ?1
        """);

    private readonly Statement _selectAttempts = database.Prepare("SELECT data FROM attempts WHERE sequence = ?1");
    private readonly Statement _replaceAttempts = database.Prepare("INSERT OR REPLACE INTO attempts(sequence, data) VALUES(?1, ?2)");
    private readonly Statement _deleteAttempts = database.Prepare("DELETE FROM attempts WHERE sequence = ?1");

    private readonly Statement _insertAnswer = database.Prepare("INSERT OR REPLACE INTO answers(sequence, blob, length, data) VALUES(?1, ?2, ?3, ?4)");
    private readonly Statement _selectAnswer = database.Prepare("SELECT sequence, blob FROM answers WHERE sequence = ?1");
    private readonly Statement _deleteAnswer = database.Prepare("DELETE FROM answers WHERE sequence = ?1");

    private readonly Statement _selectKey = database.Prepare("SELECT sequence, secret, enqueued_at, digest FROM idempotency WHERE queue = ?1 AND key = ?2");
    private readonly Statement _replaceKey = database.Prepare("INSERT OR REPLACE INTO idempotency(queue, key, sequence, secret, enqueued_at, digest) VALUES(?1, ?2, ?3, ?4, ?5, ?6)");

    private readonly Statement _selectQueue = database.Prepare("SELECT number, retired_at FROM queues WHERE name = ?1 AND deleted = 0");
    private readonly Statement _freeQueueNumber = database.Prepare(
        "SELECT min(n) FROM (SELECT 1 AS n UNION ALL SELECT number + 1 FROM queues) WHERE n NOT IN (SELECT number FROM queues)");

    private readonly Statement _insertQueue = database.Prepare("INSERT INTO queues(number, name, retention, deleted) VALUES(?1, ?2, ?3, 0)");
    private readonly Statement _configureQueue = database.Prepare("UPDATE queues SET retention = ?2, retired_at = NULL WHERE number = ?1");
    private readonly Statement _retireQueue = database.Prepare("UPDATE queues SET retired_at = ?2 WHERE number = ?1");
    private readonly Statement _markQueueDeleted = database.Prepare("UPDATE queues SET deleted = 1, checkpoint = NULL WHERE number = ?1");
    private readonly Statement _deleteQueue = database.Prepare("DELETE FROM queues WHERE number = ?1");
    private readonly Statement _checkpoint = database.Prepare("UPDATE queues SET checkpoint = ?2 WHERE number = ?1");
    private readonly Statement _reserve = database.Prepare("UPDATE meta SET next_sequence = ?1");

    private readonly Statement _noteTime = database.Prepare("UPDATE meta SET steady = ?1");

    private readonly Statement _expiredResults = database.Prepare(
        "SELECT key, result_blob FROM results INDEXED BY results_expiry WHERE queue = ?1 AND finished_at <= ?2 ORDER BY finished_at LIMIT ?3");

    private readonly Statement _expiredMessages = database.Prepare(
        "SELECT sequence, payload_blob FROM messages INDEXED BY messages_expiry WHERE status <> 0 AND queue = ?1 AND finished_at <= ?2 ORDER BY finished_at LIMIT ?3");

    private readonly Statement _liveMessages = database.Prepare(
        "SELECT sequence, payload_blob FROM messages INDEXED BY messages_live WHERE status = 0 AND queue = ?1 LIMIT ?2");

    private readonly Statement _deleteResult = database.Prepare("DELETE FROM results WHERE key = ?1");
    private readonly Statement _deleteKeys = database.Prepare(
        "DELETE FROM idempotency WHERE queue = ?1 AND key IN (SELECT key FROM idempotency INDEXED BY idempotency_expiry WHERE queue = ?1 AND enqueued_at <= ?2 ORDER BY enqueued_at LIMIT ?3)");

    public void Insert(MessageId id, int queue, int priority, long enqueuedAt, long? notBefore, string? followUpQueue, ReadOnlySpan<byte> head, in Body payload) => _insert
        .Bind(1, id.Sequence).Bind(2, queue).Bind(3, priority).Bind(4, id.Secret).Bind(5, enqueuedAt).Bind(6, notBefore).Bind(7, followUpQueue)
        .Bind(8, payload.Blob).Bind(9, payload.Length).Bind(10, head).Bind(11, payload.Inline.Span).Run();

    public StoredMessage? Find(long sequence)
    {
        if (!_select.Bind(1, sequence).Step())
        {
            return null;
        }

        var row = new StoredMessage(
            _select.Int(0), _select.Int(1), _select.Int(2), _select.Long(3), _select.Long(4), _select.Int(5), _select.Int(6), _select.Long(7), _select.Text(8), _select.Text(9));
        _select.Reset();
        return row;
    }

    public byte[] Head(long sequence) => OneBlob(_selectHead.Bind(1, sequence));

    public void Delete(long sequence)
    {
        _delete.Bind(1, sequence).Run();
    }

    public void InsertResult(MessageId id, in StoredMessage message, long finishedAt, MessageId? followUp, in Body result) => _insertResult
        .Bind(1, Schema.ResultKey(message.Queue, id.Sequence)).Bind(2, message.Queue).Bind(3, message.Priority).Bind(4, id.Secret).Bind(5, message.EnqueuedAt).Bind(6, finishedAt)
        .Bind(7, message.Failed).Bind(8, message.Lost).Bind(9, followUp?.Sequence).Bind(10, followUp?.Secret).Bind(11, result.Blob).Bind(12, result.Length).Bind(13, result.Inline.Span).Run();

    public bool HasResult(int queue, MessageId id)
    {
        if (!_selectResultSecret.Bind(1, Schema.ResultKey(queue, id.Sequence)).Step())
        {
            return false;
        }

        var secret = _selectResultSecret.Long(0);
        _selectResultSecret.Reset();
        return secret == id.Secret;
    }

    public void Finish(long sequence, MessageStatus status, long finishedAt, int failed, long endedToken, MessageId? followUp) => _finish
        .Bind(1, sequence).Bind(2, (int)status).Bind(3, finishedAt).Bind(4, failed).Bind(5, endedToken).Bind(6, followUp?.Sequence).Bind(7, followUp?.Secret).Run();

    public void PutBack(long sequence, int failed, int lost, long endedToken, long? notBefore) => _putBack
        .Bind(1, sequence).Bind(2, failed).Bind(3, lost).Bind(4, endedToken).Bind(5, notBefore).Run();

    public void Retry(long sequence) => _retry.Bind(1, sequence).Run();

    public void AddAttempt(long sequence, Attempt attempt, int keep) => _replaceAttempts
        .Bind(1, sequence).Bind(2, AttemptCodec.Append(OneBlob(_selectAttempts.Bind(1, sequence)), attempt, keep)).Run();

    public void InsertAnswer(long sequence, in Body answer) => _insertAnswer
        .Bind(1, sequence).Bind(2, answer.Blob).Bind(3, answer.Length).Bind(4, answer.Inline.Span).Run();

    /// <summary>Forgets what the worker last answered; its blob, if it has one, is added to <paramref name="blobs"/>.</summary>
    public void DeleteAnswer(long sequence, List<string> blobs)
    {
        if (Rows(_selectAnswer.Bind(1, sequence), blobs).Count > 0)
        {
            _deleteAnswer.Bind(1, sequence).Run();
        }
    }

    public (MessageId Id, long EnqueuedAt, byte[] Digest)? FindKey(int queue, string key)
    {
        if (!_selectKey.Bind(1, queue).Bind(2, key).Step())
        {
            return null;
        }

        var found = (new MessageId(_selectKey.Long(0), _selectKey.Long(1)), _selectKey.Long(2), _selectKey.Bytes(3));
        _selectKey.Reset();
        return found;
    }

    public void ReplaceKey(int queue, string key, MessageId id, long enqueuedAt, ReadOnlySpan<byte> digest) => _replaceKey
        .Bind(1, queue).Bind(2, key).Bind(3, id.Sequence).Bind(4, id.Secret).Bind(5, enqueuedAt).Bind(6, digest).Run();

    public (int Number, long? RetiredAt)? FindQueue(string name)
    {
        if (!_selectQueue.Bind(1, name).Step())
        {
            return null;
        }

        var found = (_selectQueue.Int(0), _selectQueue.NullableLong(1));
        _selectQueue.Reset();
        return found;
    }

    public int InsertQueue(string name, long retention)
    {
        _freeQueueNumber.Step();
        var number = _freeQueueNumber.Int(0);
        _freeQueueNumber.Reset();
        if (number > Schema.MaxQueue)
        {
            throw new InvalidOperationException($"There are {Schema.MaxQueue} queues, and no more are possible; delete some.");
        }

        _insertQueue.Bind(1, number).Bind(2, name).Bind(3, retention).Run();
        return number;
    }

    public void ConfigureQueue(int number, long retention) => _configureQueue.Bind(1, number).Bind(2, retention).Run();

    public void RetireQueue(int number, long at) => _retireQueue.Bind(1, number).Bind(2, at).Run();

    public void MarkQueueDeleted(int number) => _markQueueDeleted.Bind(1, number).Run();

    public void DeleteQueue(int number) => _deleteQueue.Bind(1, number).Run();

    public void WriteCheckpoint(int number, string checkpoint) => _checkpoint.Bind(1, number).Bind(2, checkpoint).Run();

    public void NoteTime(long now) => _noteTime.Bind(1, now).Run();

    public void Reserve(long next) => _reserve.Bind(1, next).Run();

    /// <summary>Deletes up to <paramref name="limit"/> results that became final by <paramref name="until"/>. Returns how many.</summary>
    public int DeleteResults(int queue, long until, int limit, List<string> blobs)
    {
        var rows = Rows(_expiredResults.Bind(1, queue).Bind(2, until).Bind(3, limit), blobs);
        foreach (var key in rows)
        {
            _deleteResult.Bind(1, key).Run();
            _deleteAttempts.Bind(1, Schema.SequenceOf(key)).Run();
        }

        return rows.Count;
    }

    /// <summary>As <see cref="DeleteResults"/>, for failed and cancelled messages.</summary>
    public int DeleteFinal(int queue, long until, int limit, List<string> blobs) =>
        DeleteMessages(Rows(_expiredMessages.Bind(1, queue).Bind(2, until).Bind(3, limit), blobs), blobs);

    /// <summary>As <see cref="DeleteResults"/>, for messages that are not final, of any age.</summary>
    public int DeleteLive(int queue, int limit, List<string> blobs) =>
        DeleteMessages(Rows(_liveMessages.Bind(1, queue).Bind(2, limit), blobs), blobs);

    /// <summary>As <see cref="DeleteResults"/>, for idempotency keys.</summary>
    public int DeleteKeys(int queue, long until, int limit)
    {
        _deleteKeys.Bind(1, queue).Bind(2, until).Bind(3, limit).Run();
        return database.Changes;
    }

    private int DeleteMessages(List<long> sequences, List<string> blobs)
    {
        foreach (var sequence in sequences)
        {
            Delete(sequence);
            DeleteAnswer(sequence, blobs);
            _deleteAttempts.Bind(1, sequence).Run();
        }

        return sequences.Count;
    }

    private static List<long> Rows(Statement statement, List<string> blobs)
    {
        var rows = new List<long>();
        while (statement.Step())
        {
            rows.Add(statement.Long(0));
            if (statement.Text(1) is { } blob)
            {
                blobs.Add(blob);
            }
        }

        return rows;
    }

    private static byte[] OneBlob(Statement statement)
    {
        if (!statement.Step())
        {
            return [];
        }

        var bytes = statement.Bytes(0);
        statement.Reset();
        return bytes;
    }
}
