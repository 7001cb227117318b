using Cortex.Gateway;
using Cortex.Gateway.Replicas;
using Cortex.Routing;

namespace Cortex.Dispatch;

/// <summary>A replica from the moment it took requests until it left or one of its containers was started again.</summary>
internal sealed class ReplicaLife
{
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ReplicaLife(ReplicaAddress replica, GatewayOptions options, TimeProvider time)
    {
        Replica = replica;
        Client = new ReplicaClient(new ReplicaAddress(replica.Id, replica.Host, replica.Port), options, time);
    }

    /// <summary>Where it took requests.</summary>
    public ReplicaAddress Replica { get; }

    /// <summary>Its connections.</summary>
    public ReplicaClient Client { get; }

    /// <summary>Completes with its end.</summary>
    public Task Ended => _ended.Task;

    /// <summary>Calls in progress may go on, but what breaks from here on is lost with the replica.</summary>
    public void End()
    {
        Client.Dispose();
        _ended.TrySetResult();
    }
}
