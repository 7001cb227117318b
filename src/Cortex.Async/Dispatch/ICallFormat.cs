using Cortex.Gateway.Calling;
using Cortex.Queues;

namespace Cortex.Async.Dispatch;

/// <summary>What a message's request and the answer to it look like.</summary>
internal interface ICallFormat
{
    /// <summary>Adds the headers of a message's request.</summary>
    /// <exception cref="AttemptFailedException">The message can't be sent.</exception>
    void AddHeaders(ReplicaCall call, LeasedMessage message);

    /// <summary>Reads the answer of a call whose head has arrived, and returns the message's result.</summary>
    /// <exception cref="AttemptFailedException">It is no result.</exception>
    ValueTask<Body> ReadAnswerAsync(ReplicaCall call, Work work);
}
