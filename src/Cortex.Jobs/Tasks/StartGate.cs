using System.Globalization;

namespace Cortex.Jobs.Tasks;

/// <summary>Decides which of the jobs whose turn it is may start. Made anew for each look; no clock, no I/O.</summary>
/// <param name="limits">The cluster's bounds.</param>
/// <param name="maxConcurrent">Bound of an API; null for none of its own.</param>
internal sealed class StartGate(StartLimits limits, Func<string, int?> maxConcurrent)
{
    private readonly Dictionary<string, int> _byApi = new(StringComparer.Ordinal);
    private int _all;
    private int _starting;
    private readonly Dictionary<string, int> _waitingForRoom = new(StringComparer.Ordinal);

    /// <summary>Counts a job that has been started and has not ended.</summary>
    public void Add(string apiName, StartPhase phase)
    {
        _byApi[apiName] = _byApi.GetValueOrDefault(apiName) + 1;
        _all++;
        _starting += phase == StartPhase.Starting ? 1 : 0;
        if (phase == StartPhase.WaitingForRoom)
        {
            _waitingForRoom[apiName] = _waitingForRoom.GetValueOrDefault(apiName) + 1;
        }
    }

    /// <summary>Asks for the next job in order. Returns null when it may start, which counts it, or what it waits for.</summary>
    public string? Enter(string apiName)
    {
        if (maxConcurrent(apiName) is { } most && _byApi.GetValueOrDefault(apiName) >= most)
        {
            return string.Create(CultureInfo.InvariantCulture, $"waits for its turn: {most} {(most == 1 ? "job of this API runs" : "jobs of this API run")}, as many as its max_concurrent allows");
        }

        if (_all >= limits.MaxConcurrent)
        {
            return string.Create(CultureInfo.InvariantCulture, $"waits for its turn: {_all} jobs run, as many as the cluster's jobs.max_concurrent allows");
        }

        // For each API: the machine shares out its room fairly, so jobs of one API that find none hold up no other's.
        if (_waitingForRoom.GetValueOrDefault(apiName) >= limits.ParallelStarts)
        {
            return "waits for its turn: jobs of this API before it wait for room on the machine";
        }

        if (_starting >= limits.ParallelStarts)
        {
            return "waits for its turn: jobs before it are being started";
        }

        Add(apiName, StartPhase.Starting);
        return null;
    }
}

/// <summary>The cluster's bounds of running jobs.</summary>
/// <param name="MaxConcurrent">Jobs that run at a time.</param>
/// <param name="ParallelStarts">Jobs that are being started at a time, and jobs of one API that wait for room.</param>
internal readonly record struct StartLimits(int MaxConcurrent, int ParallelStarts);

/// <summary>How far the start of a job is.</summary>
internal enum StartPhase
{
    /// <summary>Its containers are being created and started.</summary>
    Starting,

    /// <summary>There is no room for it yet.</summary>
    WaitingForRoom,

    /// <summary>It runs, or waits for something that takes long, such as its image.</summary>
    Started,
}
