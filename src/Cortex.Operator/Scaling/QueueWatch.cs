using Cortex.Routing;

namespace Cortex.Operator.Scaling;

/// <summary>Tells how many replicas keep what waits in an Async API's queue younger than its <c>target_queue_age</c>.</summary>
/// <remarks>
/// At the pace of the last window, what waits now is to be taken within half of the target: the other half is for replicas
/// that have to start, and for more that arrives meanwhile. While no answer tells the pace, replicas are added as the oldest
/// ages: none up to half of the target, one for everything that waits when it has reached it. More replicas than there
/// are requests are never asked for.
/// </remarks>
internal sealed class QueueWatch(TimeSpan window)
{
    private readonly ScalingWindow _answers = new(window);
    private readonly ScalingWindow _milliseconds = new(window);
    private AsyncTraffic _last;
    private TimeSpan _age;
    private TimeSpan? _waitingSince;
    private bool _hasSample;

    /// <summary>What the pace is an average of.</summary>
    public TimeSpan Window => window;

    /// <summary>Takes the counts of this moment.</summary>
    /// <param name="now">The time, on a clock that never goes back.</param>
    /// <param name="utc">The same time on the clock of the queue.</param>
    /// <param name="traffic">The counts.</param>
    public void Sample(TimeSpan now, DateTimeOffset utc, AsyncTraffic traffic)
    {
        if (_hasSample)
        {
            // Counted anew when the API came back, so that it may be less than before.
            _answers.Add(now, Math.Max(0, traffic.Answers - _last.Answers));
            _milliseconds.Add(now, (long)Math.Max(0, (traffic.AnswerTime - _last.AnswerTime).TotalMilliseconds));
        }

        _hasSample = true;
        _last = traffic;
        _waitingSince = traffic.Waiting == 0 ? null : _waitingSince ?? now;

        // A request that waited for its time, or for its next attempt, is old before it waits for a replica.
        var sinceSubmitted = traffic.OldestWaiting is { } oldest ? utc - oldest : TimeSpan.Zero;
        var sinceWaiting = now - (_waitingSince ?? now);
        _age = sinceSubmitted < sinceWaiting ? sinceSubmitted : sinceWaiting;
    }

    /// <summary>The replicas needed, not rounded; 0 when nothing waits.</summary>
    /// <param name="now">The time.</param>
    /// <param name="target">How old the oldest may become; more than 0.</param>
    /// <param name="maxConcurrency">Requests that one replica works on at once.</param>
    public double Replicas(TimeSpan now, TimeSpan target, long maxConcurrency)
    {
        if (_last.Waiting == 0)
        {
            return 0;
        }

        var useful = (double)(_last.Waiting + _last.InProgress) / maxConcurrency;
        var half = target / 2;
        var answers = _answers.Sum(now);
        var needed = answers > 0
            ? _last.Waiting * (_milliseconds.Sum(now) / (double)answers) / (maxConcurrency * half.TotalMilliseconds)
            : useful * ((_age - half) / half);
        return Math.Clamp(needed, 0, useful);
    }
}
