using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;

namespace Cortex.Gateway.Serving;

/// <summary>
/// Logs what replicas do wrong: at most one line a second for a replica of an API, however many requests it fails. The first fault is told at
/// once; those that follow within a second are counted, and told of with the last one's reason.
/// </summary>
internal sealed class FaultLog : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private readonly ILogger _logger;
    private readonly Lock _lock = new();
    private readonly Dictionary<(string Api, string Replica), Held> _held = [];   // of replicas with a fault in the last two seconds
    private readonly ITimer _timer;

    public FaultLog(ILogger logger, TimeProvider time)
    {
        _logger = logger;
        _timer = time.CreateTimer(static state => ((FaultLog)state!).TellHeld(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Tells of a fault, now or soon.</summary>
    public void Add(ReplicaFault fault, string api, string replica, string? reason)
    {
        lock (_lock)
        {
            ref var held = ref CollectionsMarshal.GetValueRefOrAddDefault(_held, (api, replica), out var isTold);
            if (isTold)
            {
                held = new Held(held.Count + 1, fault, reason);
                return;
            }

            if (_held.Count == 1)
            {
                _timer.Change(Interval, Interval);
            }
        }

        Write(fault, api, replica, reason, count: 1);
    }

    /// <summary>Tells no more.</summary>
    public void Dispose() => _timer.Dispose();

    private void TellHeld()
    {
        List<((string Api, string Replica) Key, Held Held)> due = [];
        lock (_lock)
        {
            foreach (var (key, held) in _held)
            {
                due.Add((key, held));
                if (held.Count > 0)
                {
                    _held[key] = default;   // a line is written now; the next one a second later
                }
                else
                {
                    _held.Remove(key);
                }
            }

            if (_held.Count == 0)
            {
                _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            }
        }

        foreach (var ((api, replica), held) in due)
        {
            if (held.Count > 0)
            {
                Write(held.Fault, api, replica, held.Reason, held.Count);
            }
        }
    }

    private void Write(ReplicaFault fault, string api, string replica, string? reason, int count)
    {
        reason = count == 1 ? reason ?? "" : $"{reason}; one of {count} faults since the line before";
        switch (fault)
        {
            case ReplicaFault.Unreachable:
                _logger.ReplicaUnreachable(api, replica, reason);
                break;
            case ReplicaFault.BadAnswer:
                _logger.BadAnswer(api, replica, reason);
                break;
            case ReplicaFault.BrokenOff:
                _logger.AnswerBrokenOff(api, replica, reason);
                break;
        }
    }

    private readonly record struct Held(int Count, ReplicaFault Fault, string? Reason);
}
