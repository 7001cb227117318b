using Cortex.Gateway.Replicas;
using Cortex.Queues;

namespace Cortex.Dispatch;

/// <summary>What a message's request and the answer to it look like.</summary>
public interface ICallFormat
{
    /// <summary>
    /// Results that may wait for the store's commit while their slots work on. It bounds their memory and what a killed process does again; with
    /// the time of a commit it bounds the rate.
    /// </summary>
    int MaxFinishing { get; }

    /// <summary>Adds the headers of a message's request.</summary>
    /// <exception cref="AttemptFailedException">The message can't be sent.</exception>
    void AddHeaders(ReplicaCall call, LeasedMessage message);

    /// <summary>Reads the answer of a call whose head has arrived, and returns the message's result.</summary>
    /// <exception cref="AttemptFailedException">It is no result.</exception>
    ValueTask<Body> ReadAnswerAsync(ReplicaCall call, HeldMessage work);
}
