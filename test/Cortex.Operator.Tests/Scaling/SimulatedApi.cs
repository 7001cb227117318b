using Cortex.Async;
using Cortex.Core.Specs;
using Cortex.Operator.Scaling;
using Cortex.Routing;

namespace Cortex.Operator.Tests.Scaling;

/// <summary>
/// An API of the real rule over simulated replicas and requests, second by second: what arrives is a flow, replicas take time to
/// start, and what they can't take waits.
/// </summary>
internal sealed class SimulatedApi(AutoscalingSpec settings)
{
    private static readonly DateTimeOffset _epoch = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private readonly ApiScaling _scaling = new(deployedAt: 0, start: TimeSpan.Zero);
    private readonly List<int> _readyAt = [.. Enumerable.Repeat(0, settings.InitReplicas)];
    private readonly LinkedList<(int Second, double Requests)> _waiting = [];
    private double _served;

    /// <summary>Time that one request takes, in seconds.</summary>
    public double ServiceSeconds { get; init; } = 0.2;

    /// <summary>Seconds from the decision until a replica takes requests.</summary>
    public int StartSeconds { get; init; } = 3;

    /// <summary>Requests that one replica works on at once.</summary>
    public int MaxConcurrency { get; init; } = 1;

    /// <summary>Whether it is an Async API, which is scaled by its queue also from zero.</summary>
    public bool IsAsync { get; init; }

    /// <summary>Replicas wanted.</summary>
    public int Replicas => _readyAt.Count;

    /// <summary>Requests that wait for a replica.</summary>
    public double Waiting => _waiting.Count == 0 ? 0 : Arrived - _served;

    /// <summary>Every change: its second, and the counts before and after.</summary>
    public List<(int Second, int From, int To)> Changes { get; } = [];

    /// <summary>Requests that have arrived.</summary>
    public double Arrived { get; private set; }

    /// <summary>Requests that were taken more than a second after they had come.</summary>
    public double Late { get; private set; }

    /// <summary>The longest that a request has waited, in whole seconds.</summary>
    public int LongestWait { get; private set; }

    /// <summary>Replicas wanted, added up over the seconds.</summary>
    public long ReplicaSeconds { get; private set; }

    /// <summary>Lets one second pass.</summary>
    /// <param name="second">The second; each follows the one before.</param>
    /// <param name="arriving">Requests that arrive in it.</param>
    public void Pass(int second, double arriving)
    {
        Arrived += arriving;
        ReplicaSeconds += Replicas;
        if (arriving > 0)
        {
            _waiting.AddLast((second, arriving));
        }

        var ready = _readyAt.Count(at => at <= second);
        var served = Serve(second, ready * MaxConcurrency / ServiceSeconds);
        _served += served;
        var waiting = Waiting;
        LongestWait = Math.Max(LongestWait, waiting > 0 ? second - _waiting.First!.Value.Second : 0);
        var inProgress = Math.Ceiling(served * ServiceSeconds);
        var now = TimeSpan.FromSeconds(second);
        if (IsAsync)
        {
            _scaling.Sample(now, _epoch + now, new AsyncTraffic((long)Math.Ceiling(waiting), 0, (long)inProgress, waiting > 0 ? _epoch + TimeSpan.FromSeconds(_waiting.First!.Value.Second) : null)
            {
                Answers = (long)_served,
                AnswerTime = TimeSpan.FromSeconds((long)_served * ServiceSeconds),
            }, settings);
        }
        else if (Replicas > 0)
        {
            _scaling.Sample(now, (long)(Math.Ceiling(waiting) + inProgress), settings);
        }

        if (Replicas == 0 && waiting > 0)
        {
            _scaling.Awaken(now, _epoch + now, settings);
            Scale(second, 1);
        }
        else if (second % 2 == 0 && (Replicas > 0 || IsAsync) && _scaling.Decide(now, _epoch + now, Replicas, settings, MaxConcurrency) is { } decision)
        {
            Assert.InRange(decision.Requested, settings.MinReplicas, settings.MaxReplicas);
            Scale(second, decision.Requested);
        }
    }

    private double Serve(int second, double capacity)
    {
        var served = 0.0;
        while (_waiting.First is { } oldest && served < capacity)
        {
            var taken = Math.Min(oldest.Value.Requests, capacity - served);
            served += taken;
            Late += second - oldest.Value.Second > 1 ? taken : 0;
            if (taken < oldest.Value.Requests)
            {
                oldest.Value = (oldest.Value.Second, oldest.Value.Requests - taken);
                break;
            }

            _waiting.RemoveFirst();
        }

        return served;
    }

    private void Scale(int second, int wanted)
    {
        if (wanted != Replicas)
        {
            Changes.Add((second, Replicas, wanted));
        }

        while (Replicas > wanted)
        {
            _readyAt.RemoveAt(Replicas - 1);
        }

        while (Replicas < wanted)
        {
            _readyAt.Add(second + StartSeconds);
        }
    }
}
