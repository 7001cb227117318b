using System.Threading.Tasks.Sources;

namespace Cortex.Gateway.Admission;

/// <summary>One request's place in a queue. Its links and its deadline are guarded by the gate.</summary>
internal sealed class Waiter(ApiGate gate, List<Replica>? tried) : IValueTaskSource<AdmissionResult>
{
    // A release runs the next request on its own thread, which spares a thread switch per queued request. Requests
    // that end at once would nest without end, so that deeper ones go to the thread pool.
    private const int MaxNesting = 8;

    [ThreadStatic]
    private static int _nesting;

    private ManualResetValueTaskSourceCore<AdmissionResult> _completion;
    private CancellationTokenRegistration _registration;
    private AdmissionResult _result;

    public Waiter? Previous { get; set; }

    public Waiter? Next { get; set; }

    /// <summary>The queue that it stands in; null once it has left.</summary>
    public WaiterQueue? Queue { get; set; }

    /// <summary>Timestamp at which it has waited long enough.</summary>
    public required long Deadline { get; set; }

    /// <summary>Bytes taken for its body while it waits for the API to wake.</summary>
    public long Buffered { get; set; }

    /// <summary>Replicas that this request must not get again; null when it was never refused.</summary>
    public List<Replica>? Tried { get; } = tried;

    /// <summary>The wait, to be awaited once. Leaves the queue when <paramref name="cancellationToken"/> fires.</summary>
    public ValueTask<AdmissionResult> WaitAsync(CancellationToken cancellationToken)
    {
        _registration = cancellationToken.UnsafeRegister(static state => ((Waiter)state!).Leave(), this);
        return new ValueTask<AdmissionResult>(this, _completion.Version);
    }

    /// <summary>Sets what <see cref="Complete"/> will hand over. Called under the gate's lock.</summary>
    public void Decide(AdmissionOutcome outcome, Replica? replica, string? reason = null) => _result = new AdmissionResult(outcome, replica, reason);

    /// <summary>Wakes the request. Never called under a lock: the request may go on inside this call.</summary>
    public void Complete()
    {
        _completion.RunContinuationsAsynchronously = _nesting >= MaxNesting;
        _nesting++;
        try
        {
            _completion.SetResult(_result);
        }
        finally
        {
            _nesting--;
        }
    }

    AdmissionResult IValueTaskSource<AdmissionResult>.GetResult(short token)
    {
        _registration.Dispose();
        return _completion.GetResult(token);
    }

    ValueTaskSourceStatus IValueTaskSource<AdmissionResult>.GetStatus(short token) => _completion.GetStatus(token);

    void IValueTaskSource<AdmissionResult>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _completion.OnCompleted(continuation, state, token, flags);

    private void Leave()
    {
        if (gate.TryLeave(this))
        {
            Complete();
        }
    }
}
