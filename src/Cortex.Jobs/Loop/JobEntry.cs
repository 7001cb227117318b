using System.Diagnostics.CodeAnalysis;
using Cortex.Jobs.Storing;

namespace Cortex.Jobs.Loop;

/// <summary>A job of any kind that has not ended, with what need not outlive the process.</summary>
[SuppressMessage("Design", "CA1001", Justification = "Without a wait handle the semaphore holds nothing.")]
internal abstract class JobEntry(JobRecord record)
{
    private readonly SemaphoreSlim _changing = new(1, 1);
    private volatile JobRecord _record = record;
    private volatile string _waitsFor = "";
    private volatile bool _busy;
    private TimeSpan _retryDelay;

    /// <summary>As it is stored.</summary>
    public JobRecord Record => _record;

    /// <summary>Whether a step of it is under way.</summary>
    public bool Busy
    {
        get => _busy;
        set => _busy = value;
    }

    /// <summary>What it waits for, for people.</summary>
    public string WaitsFor
    {
        get => _waitsFor;
        set => _waitsFor = value;
    }

    /// <summary>Nothing is tried before, as the last try failed.</summary>
    public DateTimeOffset? RetryAt { get; private set; }

    /// <summary>Ends with the job.</summary>
    public TaskCompletionSource Ended { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>What people are told about it now.</summary>
    public string Message => Record switch
    {
        { Status: var status, Message: var message } when status.IsFinal() => message,
        { Ending: { } ending } => $"is being ended, as {ending.Message}",
        { Message: var message } => WaitsFor is { Length: > 0 } waitsFor ? waitsFor : message,
    };

    /// <summary>Changes the record: stores it first, then shows it. One change at a time; null changes nothing, which is answered with false.</summary>
    public async Task<bool> ChangeAsync(IJobStore store, Func<JobRecord, JobRecord?> change, CancellationToken cancellationToken)
    {
        await _changing.WaitAsync(cancellationToken);
        try
        {
            while (change(_record) is { } changed)
            {
                if (await store.SaveAsync(changed, CancellationToken.None) is { } saved)
                {
                    _record = saved;
                    return true;
                }

                // Of an earlier change it was not known whether it was stored: it was. One that was removed has nothing left to change.
                if (await store.FindAsync(changed.ApiName, changed.Kind, changed.Id, CancellationToken.None) is not { } stored)
                {
                    _record = changed;
                    return true;
                }

                _record = stored;
            }

            return false;
        }
        finally
        {
            _changing.Release();
        }
    }

    /// <summary>A step of it went well.</summary>
    public void Passed()
    {
        _retryDelay = TimeSpan.Zero;
        RetryAt = null;
    }

    /// <summary>A step of it failed; the pause before the next try doubles.</summary>
    public void Failed(string message, JobOptions options, DateTimeOffset now)
    {
        WaitsFor = message;
        _retryDelay = options.Retries.Next(_retryDelay);
        RetryAt = now + _retryDelay;
    }
}
