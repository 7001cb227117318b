using Cortex.Core.Specs;
using Cortex.Routing;

namespace Cortex.Operator.Scaling;

/// <summary>What the autoscaler remembers of one API. Times are on one clock that never goes back.</summary>
/// <param name="deployedAt">When the API was first deployed, in Unix nanoseconds: one that was deleted and made anew has another.</param>
/// <param name="start">When watching it began.</param>
internal sealed class ApiScaling(long deployedAt, TimeSpan start)
{
    /// <summary>The short window of <c>burst</c>.</summary>
    public static readonly TimeSpan BurstWindow = TimeSpan.FromSeconds(6);

    /// <summary>A burst is over when the short window has been below the threshold for this long.</summary>
    public static readonly TimeSpan BurstCalm = TimeSpan.FromSeconds(60);

    /// <summary>A burst begins above this many times the requests in flight that the wanted replicas are meant for.</summary>
    public const double BurstThreshold = 2;

    private readonly RecommendationHistory _history = new();
    private readonly DecisionLog _decisions = new();
    private readonly ScalingWindow _short = new(BurstWindow);
    private ScalingWindow? _window;
    private QueueWatch? _queue;
    private TimeSpan? _burstUntil;

    /// <summary>When the API was first deployed, in Unix nanoseconds.</summary>
    public long DeployedAt => deployedAt;

    /// <summary>The last decisions that differ from the one before, newest first.</summary>
    public IReadOnlyList<ScalingDecision> Decisions => _decisions.NewestFirst;

    /// <summary>The last decision; null before the first.</summary>
    public ScalingDecision? Last { get; private set; }

    /// <summary>Replicas that were added or taken away since watching began, as numbers of changes.</summary>
    public (long Up, long Down) Changes { get; private set; }

    /// <summary>Takes the requests in flight of this moment.</summary>
    public void Sample(TimeSpan now, long inFlight, AutoscalingSpec settings)
    {
        _window = _window is null ? new ScalingWindow(settings.Window)
            : _window.Length == settings.Window ? _window
            : _window.WithLength(settings.Window);
        _window.Add(now, inFlight);
        _short.Add(now, inFlight);
    }

    /// <summary>Takes the counts of an Async API's queue at this moment.</summary>
    public void Sample(TimeSpan now, DateTimeOffset utc, AsyncTraffic traffic, AutoscalingSpec settings)
    {
        Sample(now, traffic.Waiting + traffic.InProgress, settings);
        if (settings.TargetQueueAge is null)
        {
            _queue = null;
            return;
        }

        if (_queue?.Window != settings.Window)
        {
            _queue = new QueueWatch(settings.Window);
        }

        _queue.Sample(now, utc, traffic);
    }

    /// <summary>Decides and remembers it; null when there is no sample in the window.</summary>
    /// <param name="now">The time.</param>
    /// <param name="utc">The same time as people read it.</param>
    /// <param name="current">Replicas wanted now.</param>
    /// <param name="settings">The API's settings.</param>
    /// <param name="maxConcurrency">Requests that one replica works on at once.</param>
    public ScalingDecision? Decide(TimeSpan now, DateTimeOffset utc, int current, AutoscalingSpec settings, long maxConcurrency)
    {
        if (_window?.Average(now) is not { } average)
        {
            return null;
        }

        var burst = Burst(now, current, settings);
        var age = settings.TargetQueueAge is { } target && _queue is not null ? _queue.Replicas(now, target, maxConcurrency) : 0;
        var input = new ScalingInput(now, start, current, average)
        {
            Urgent = Math.Max(burst, age),
            UrgentReason = age > burst ? ScalingReason.QueueAge : ScalingReason.Burst,
            InBurst = _burstUntil is not null,
        };
        return Keep(ScalingRule.Decide(input, settings, _history), now, utc, settings);
    }

    /// <summary>Remembers that the first replica was asked for by a request.</summary>
    public ScalingDecision Awaken(TimeSpan now, DateTimeOffset utc, AutoscalingSpec settings) => Keep(
        new ScalingDecision { Current = 0, InFlight = _window?.Average(now) ?? 0, Raw = 0, Recommended = 1, Requested = 1, Reason = ScalingReason.Awakened, Settings = settings }, now, utc, settings);

    /// <summary>Counts a change that was made.</summary>
    public void Changed(int from, int to) => Changes = to > from ? Changes with { Up = Changes.Up + 1 } : Changes with { Down = Changes.Down + 1 };

    private ScalingDecision Keep(ScalingDecision decision, TimeSpan now, DateTimeOffset utc, AutoscalingSpec settings)
    {
        decision = decision with { At = utc, Since = utc };
        var longest = settings.DownscaleStabilizationPeriod > settings.UpscaleStabilizationPeriod ? settings.DownscaleStabilizationPeriod : settings.UpscaleStabilizationPeriod;
        _history.Add(now, decision.Recommended, keepSince: now - longest);
        _decisions.Add(decision);
        Last = decision;
        return decision;
    }

    // The replicas that the short window asks for during a burst; 0 at other times.
    private double Burst(TimeSpan now, int current, AutoscalingSpec settings)
    {
        if (!settings.Burst || _short.Average(now) is not { } average)
        {
            _burstUntil = null;
            return 0;
        }

        if (average > BurstThreshold * settings.TargetInFlight * Math.Max(1, current))
        {
            _burstUntil = now + BurstCalm;
        }
        else if (now >= _burstUntil)
        {
            _burstUntil = null;
        }

        return _burstUntil is null ? 0 : average / settings.TargetInFlight;
    }
}
