namespace Cortex.Gateway.Admission;

/// <summary>A request's hold on a replica, given back once. Reused from request to request; not thread-safe.</summary>
internal sealed class Slot
{
    private ApiGate? _gate;
    private Replica? _replica;

    /// <summary>Takes charge of a slot that the gate granted.</summary>
    public void Hold(ApiGate gate, Replica replica) => (_gate, _replica) = (gate, replica);

    /// <summary>Gives it back, if that has not happened yet.</summary>
    public void Release()
    {
        if (_gate is { } gate)
        {
            var replica = _replica!;
            (_gate, _replica) = (null, null);
            gate.Release(replica);
        }
    }

    /// <summary>Gives it back as that of a replica that could not be reached.</summary>
    public void ReleaseUnreachable()
    {
        if (_gate is { } gate)
        {
            var replica = _replica!;
            (_gate, _replica) = (null, null);
            gate.ReleaseUnreachable(replica);
        }
    }
}
