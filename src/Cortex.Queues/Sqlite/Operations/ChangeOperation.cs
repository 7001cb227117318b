using Cortex.Queues.Sqlite.Live;

namespace Cortex.Queues.Sqlite.Operations;

/// <summary>Cancels a message, or puts a failed or cancelled one back.</summary>
internal sealed class ChangeOperation(string queueName, MessageId id, bool retry) : Operation<ChangeOutcome>
{
    private QueueState? _queue;
    private StoredMessage _message;
    private readonly List<string> _blobs = [];
    private FollowUp? _followUp;

    public override void Execute(WriteContext context)
    {
        _blobs.Clear();
        _followUp = null;
        _queue = retry ? context.Queues.GetInUse(queueName) : context.Queues.Get(queueName);
        if (context.Statements.Find(id.Sequence) is not { } message || message.Secret != id.Secret || message.Queue != _queue.Number)
        {
            Result = new ChangeOutcome(Done: false, context.Statements.HasResult(_queue.Number, id) ? MessageStatus.Completed : null);
            return;
        }

        _message = message;
        var waiting = message.Status == (int)MessageStatus.Waiting;
        if (waiting == retry)
        {
            var status = waiting && context.Live.IsLeased(id.Sequence) ? MessageStatus.Leased : (MessageStatus)message.Status;
            Result = new ChangeOutcome(Done: false, status);
        }
        else if (retry)
        {
            context.Statements.Retry(id.Sequence);
            context.Statements.DeleteAnswer(id.Sequence, _blobs);
            Result = new ChangeOutcome(Done: true, MessageStatus.Waiting);
        }
        else
        {
            // No lease that was given so far counts any more, also when the message is put back.
            _followUp = context.InsertFollowUp(id, message);
            context.Statements.Finish(id.Sequence, MessageStatus.Cancelled, context.StampNow, message.Failed, context.Live.LastToken, _followUp?.Id);
            Result = new ChangeOutcome(Done: true, MessageStatus.Cancelled);
        }
    }

    public override void Apply(WriteContext context)
    {
        if (!Result.Done)
        {
            return;
        }

        if (retry)
        {
            context.Live.Add(_queue!, id.Sequence, _message.Priority);
            _blobs.ForEach(context.Blobs.Remove);
            return;
        }

        context.Cache.TryTake(id.Sequence, out _);
        context.Live.Finish(_queue!, id.Sequence, token: 0);
        context.Add(_followUp);
        context.Waiters.Signal(id.Sequence);
    }
}
